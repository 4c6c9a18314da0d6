"""Every path and its operations."""

from __future__ import annotations

from unmoor.container import WAKE_PATH
from unmoor.runtime.gateway.http.requests import (
    DELIVERY_CURSOR,
    MOST_RUNS,
    MOST_SESSION,
    MOST_WAIT_S,
    SESSION_HEADER,
    USUAL_RUNS,
)
from unmoor.runtime.state.keys import RUN_ID

from .builders import TEXT, Values, answer, body, header, operation, parameter, ref
from .schemas import ID, NUMBER

RUN = parameter("path", "id", ID, "The run's id")
LAST_EVENT: Values = {**NUMBER, "maximum": 2**53 - 1}
COUNT: Values = {"type": "integer", "minimum": 1, "maximum": MOST_RUNS, "default": USUAL_RUNS}
LIMIT = parameter("query", "limit", COUNT, "The maximum number")
NEXT = "The next_cursor of the previous page"
SESSION: Values = {"type": "string", "maxLength": MOST_SESSION}
AFTER = parameter("query", "after", {**LAST_EVENT, "default": 0}, "The number of the last event that the client has")
PLACE = {"Content-Location": header("The run's path")}
OF_FILE = {
    "ETag": header("Identifies this content"),
    "Content-Disposition": header("Marks it as a download, with its name"),
    "Content-Security-Policy": header("Prevents scripts in it"),
}


def paths(hooks: tuple[str, ...]) -> Values:
    return {
        "/runs": {"post": _start(), "get": _list()},
        "/runs/{id}": {"get": _show()},
        "/runs/{id}/events": {"get": _events()},
        "/runs/{id}/cancel": {"post": _cancel()},
        "/runs/{id}/artifacts/{path}": {"get": _artifact()},
        "/hooks/{trigger}": {"post": _hook(hooks)},
        "/deliveries": {"get": _deliveries()},
        "/invocations": {"post": _invoke()},
        **_about(),
    }


def _start() -> Values:
    location = {"Location": header("The run's path")}
    answers = {"202": answer("The run is durable and queued", ref("Started"), headers=location)}
    described = operation("startRun", "Start a run", answers, 400, 408, 413, 429, 503)
    return {**described, "requestBody": body(ref("NewRun"))}


def _list() -> Values:
    cursor = parameter("query", "cursor", {**TEXT, "pattern": f"^({RUN_ID.pattern})?$"}, NEXT)
    answers = {"200": answer("A page of runs", ref("Runs"))}
    return operation("listRuns", "Runs, newest first", answers, 400, 503, parameters=(LIMIT, cursor))


def _show() -> Values:
    return operation("showRun", "One run", {"200": answer("The run", ref("Run"))}, 400, 404, 503, parameters=(RUN,))


def _events() -> Values:
    events = answer("The events", ref("Events"))
    events["content"]["text/event-stream"] = {"schema": ref("StreamPart")}
    answers = {"200": events, "204": {"description": "The run has ended, without events after that one"}}
    wait = parameter(
        "query", "wait", {**NUMBER, "maximum": MOST_WAIT_S, "default": 0}, "Seconds to wait for the next event"
    )
    last = parameter("header", "Last-Event-ID", LAST_EVENT, "Like `after`, for a stream that resumes")
    summary = "A run's events: a stream, or a single response with `after` or `wait` for clients that accept no stream"
    return operation("runEvents", summary, answers, 400, 404, 503, parameters=(RUN, AFTER, wait, last))


def _cancel() -> Values:
    answers = {
        "200": answer("The run has ended: it was queued, or had ended before", ref("Started")),
        "202": answer("Its runner will end it", ref("Started")),
    }
    return operation("cancelRun", "Cancel a run", answers, 400, 404, 408, 413, 503, parameters=(RUN,))


def _artifact() -> Values:
    file: Values = {"type": "string", "format": "binary"}
    answers = {
        "200": answer("The file", file, kind="application/octet-stream", headers=OF_FILE),
        "206": answer("A part of the file", file, kind="application/octet-stream", headers=OF_FILE),
        "304": {"description": "The client has it already"},
    }
    path = parameter("path", "path", TEXT, "The artifact's path in the run, with slashes")
    span = parameter(
        "header", "Range", {"type": "string", "examples": ["bytes=0-99"]}, "A single range; others are ignored"
    )
    known = parameter("header", "If-None-Match", TEXT, "The ETag of what the client has")
    return operation(
        "runArtifact", "An artifact of a run", answers, 400, 404, 410, 416, 503, parameters=(RUN, path, span, known)
    )


def _hook(names: tuple[str, ...]) -> Values:
    filtered: Values = {"type": "object", "required": ["filtered"], "properties": {"filtered": TEXT}}
    taken = answer("The delivery was filtered, and why; or the challenge that the sender expects", filtered)
    taken["content"]["text/plain"] = {"schema": TEXT}
    started: Values = {"type": "object", "required": ["id"], "additionalProperties": False, "properties": {"id": ID}}
    answers = {"200": taken, "202": answer("The run that it started, now or at an earlier delivery", started)}
    trigger = parameter(
        "path", "trigger", {**TEXT, "enum": list(names)} if names else TEXT, "The trigger's name in the spec"
    )
    described = operation(
        "hook", "A webhook, authenticated by its signature", answers, 400, 401, 404, 408, 413, 415, 429, 503,
        parameters=(trigger,), is_open=True,
    )  # fmt: skip
    return {**described, "requestBody": {"content": {"*/*": {"schema": {}}}}}


def _deliveries() -> Values:
    cursor = parameter("query", "cursor", {"type": "string", "pattern": f"^({DELIVERY_CURSOR.pattern})?$"}, NEXT)
    trigger = parameter("query", "trigger", TEXT, "Only those of this trigger")
    answers = {"200": answer("A page of deliveries", ref("Deliveries"))}
    summary = "Deliveries to triggers and their outcomes, newest first"
    return operation("listDeliveries", summary, answers, 400, 503, parameters=(LIMIT, cursor, trigger))


def _invoke() -> Values:
    ended = answer("The run has ended", ref("Outcome"), headers=PLACE)
    ended["content"]["text/event-stream"] = {"schema": ref("StreamPart")}
    answers = {"200": ended, "202": answer("The gateway is stopping; the run continues", ref("Outcome"), headers=PLACE)}
    session = parameter("header", SESSION_HEADER, SESSION, "The run's session, where the body names none")
    described = operation(
        "invoke", "Start a run and wait for its end, or stream its events", answers,
        400, 408, 413, 429, 503, parameters=(session,),
    )  # fmt: skip
    return {**described, "requestBody": body(ref("NewRun"))}


def _about() -> Values:
    def open_operation(name: str, summary: str, *statuses: str) -> Values:
        answers = {status: answer("The status", {"type": "object"}) for status in statuses}
        return {"get": operation(name, summary, answers, is_open=True)}

    page = {"200": answer("The page", TEXT, kind="text/html"), "304": {"description": "The client has it already"}}
    metrics = {"200": answer("The metrics", TEXT, kind="text/plain")}
    document = {"200": answer("OpenAPI 3.1", {"type": "object"})}
    pong = {"200": answer("The status", ref("Ping"))}
    woken: Values = {"204": {"description": "The gateway has read its queue"}}
    return {
        "/": {"get": operation("page", "The web page", page, is_open=True)},
        "/healthz": open_operation("health", "Liveness", "200"),
        "/readyz": open_operation("ready", "Readiness: whether it reaches its store, and its bundle", "200", "503"),
        WAKE_PATH: {"post": operation("wake", "Make the gateway read its queue", woken, 503, is_open=True)},
        "/ping": {"get": operation("ping", "Whether runs are active, and the last activity", pong, is_open=True)},
        "/metrics": {"get": operation("metrics", "Metrics for Prometheus", metrics)},
        "/openapi.json": {"get": operation("describe", "This document", document)},
    }
