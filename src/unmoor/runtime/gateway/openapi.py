"""The API's description for tools, as OpenAPI 3.1."""

from __future__ import annotations

from typing import Any, get_args

from unmoor import __version__
from unmoor.container import WAKE_PATH
from unmoor.runtime.events import FINAL_STATUSES
from unmoor.runtime.layout import RUN_ID

from .asked import MOST_RUNS, MOST_SESSION, MOST_WAIT_S, USUAL_RUNS
from .deliveries import Outcome
from .delivery_pages import CURSOR, KINDS

Values = dict[str, Any]


def document(agent: str) -> Values:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {"title": f"unmoor: {agent}", "version": __version__},
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Run": _RUN, "Started": _STARTED, "Delivery": _DELIVERY, "Error": _ERROR},
        },
        "paths": {
            "/runs": {"post": _start(), "get": _list()},
            "/runs/{id}": {"get": _operation("One run", _json("Run"), path=True)},
            "/runs/{id}/events": {"get": _events()},
            "/runs/{id}/cancel": {"post": _cancel()},
            "/runs/{id}/artifacts/{path}": {"get": _artifact()},
            "/hooks/{trigger}": {"post": _hook()},
            "/deliveries": {"get": _deliveries()},
            "/healthz": {"get": _open("Whether the gateway lives", "200")},
            "/readyz": {"get": _open("Whether it reaches its store, and its bundle", "200", "503")},
            WAKE_PATH: {"post": _wake()},
            "/metrics": {"get": _operation("Numbers for Prometheus", _content("text/plain", {"type": "string"}))},
            "/openapi.json": {"get": _operation("This document", _content("application/json", {"type": "object"}))},
        },
    }


def _start() -> Values:
    text = {"type": "string", "minLength": 1}
    session = {"type": ["string", "null"], "maxLength": MOST_SESSION}
    schema = {
        "type": "object",
        "required": ["prompt"],
        "additionalProperties": False,
        "properties": {"prompt": {**text, "pattern": r"\S"}, "session": session},
    }
    refused = {status: _error() for status in ("400", "408", "413", "429")}
    return {
        **_operation("Start a run", _json("Started"), status="202"),
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
    } | {"responses": {"202": _json("Started"), **refused, **_COMMON}}


def _list() -> Values:
    schema = {
        "type": "object",
        "required": ["runs", "next_cursor"],
        "properties": {"runs": {"type": "array", "items": _ref("Run")}, "next_cursor": {"type": ["string", "null"]}},
    }
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_RUNS, "default": USUAL_RUNS}
    return {
        **_operation("Runs, newest first", _content("application/json", schema), "400"),
        "parameters": [_query("limit", limit), _query("cursor", {"type": "string", "pattern": f"^{RUN_ID.pattern}$"})],
    }


def _events() -> Values:
    number = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
    schema = {
        "type": "object",
        "required": ["events", "next", "done"],
        "properties": {
            "events": {"type": "array", "items": {"type": "object"}},
            "next": {"type": "integer"},
            "done": {"type": "boolean"},
        },
    }
    both = {"content": {"text/event-stream": {"schema": {"type": "string"}}, "application/json": {"schema": schema}}}
    operation = _operation(
        "A run's events: a stream, or with `after` or `wait` one answer", {"description": "Events", **both}, "400"
    )
    operation["responses"]["204"] = {"description": "The run has ended, and nothing comes after Last-Event-ID"}
    wait = {**number, "maximum": MOST_WAIT_S}
    header = {"name": "Last-Event-ID", "in": "header", "schema": number}
    return {**operation, "parameters": [_ID, _query("after", number), _query("wait", wait), header]}


def _cancel() -> Values:
    operation = _operation("End a run", _json("Started"), "400", "413", path=True)
    operation["responses"]["202"] = _json("Started")
    return operation


def _artifact() -> Values:
    path = {"name": "path", "in": "path", "required": True, "schema": {"type": "string"}}
    binary = _content("application/octet-stream", {"type": "string", "format": "binary"})
    return {**_operation("A file that a run left", binary, "410"), "parameters": [_ID, path]}


def _hook() -> Values:
    def answer(summary: str, *names: str) -> Values:
        members = {name: {"type": "string"} for name in names}
        schema = {"type": "object", "required": [*names], "properties": members}
        return {"description": summary, "content": {"application/json": {"schema": schema}}}

    accepted = answer("The run; of a delivery that came before, the same", "id")
    refused = {status: _error() for status in ("400", "401", "404", "408", "413", "415", "429", "500", "503")}
    filtered = answer("It starts nothing, and why; or Slack's challenge, as text", "filtered")
    filtered["content"]["text/plain"] = {"schema": {"type": "string"}}
    return {
        "summary": "What a sender tells a webhook of the spec's; the scheme of its trigger proves who it is",
        "security": [],
        "parameters": [{"name": "trigger", "in": "path", "required": True, "schema": {"type": "string"}}],
        "requestBody": {"content": {"*/*": {"schema": {}}}},
        "responses": {
            "202": accepted,
            "200": filtered,
            **refused,
        },
    }


def _deliveries() -> Values:
    schema = {
        "type": "object",
        "required": ["deliveries", "next_cursor"],
        "properties": {
            "deliveries": {"type": "array", "items": _ref("Delivery")},
            "next_cursor": {"type": ["string", "null"]},
        },
    }
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_RUNS, "default": USUAL_RUNS}
    cursor = {"type": "string", "pattern": f"^{CURSOR.pattern}$"}
    return {
        **_operation("What came to the triggers, newest first", _content("application/json", schema), "400"),
        "parameters": [_query("limit", limit), _query("cursor", cursor), _query("trigger", {"type": "string"})],
    }


def _open(summary: str, *statuses: str) -> Values:
    answer = _content("application/json", {"type": "object"})
    return {"summary": summary, "security": [], "responses": dict.fromkeys(statuses, answer)}


def _wake() -> Values:
    answers = {"204": {"description": "It has looked"}, "503": _error()}
    return {"summary": "Have the gateway look at its queue", "security": [], "responses": answers}


def _operation(summary: str, answer: Values, *refusals: str, status: str = "200", path: bool = False) -> Values:
    responses = {status: answer, **{r: _error() for r in refusals}, **_COMMON}
    return {"summary": summary, "responses": responses, **({"parameters": [_ID]} if path else {})}


def _query(name: str, schema: Values) -> Values:
    return {"name": name, "in": "query", "schema": schema}


def _ref(name: str) -> Values:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str) -> Values:
    return _content("application/json", _ref(name))


def _content(kind: str, schema: Values) -> Values:
    return {"description": "What was asked for", "content": {kind: {"schema": schema}}}


def _error() -> Values:
    return {"description": "Why not", "content": {"application/json": {"schema": _ref("Error")}}}


_ID: Values = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_COMMON: Values = {status: _error() for status in ("401", "404", "500", "503")}
_STATUS: Values = {"enum": ["queued", "running", *FINAL_STATUSES]}
_STARTED: Values = {
    "type": "object",
    "required": ["id", "status"],
    "properties": {"id": {"type": "string"}, "status": _STATUS},
}
_ERROR: Values = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["status", "message"],
            "properties": {"status": {"type": "integer"}, "message": {"type": "string"}},
        }
    },
}
_TEXT: Values = {"type": "string"}
_DELIVERY: Values = {
    "type": "object",
    "required": ["id", "trigger", "kind", "at", "outcome", "reason", "run", "times"],
    "properties": {
        **dict.fromkeys(("id", "trigger", "reason", "run"), _TEXT),
        "kind": {"enum": [*KINDS]},
        "at": {"type": "string", "format": "date-time"},
        "outcome": {"enum": [*get_args(Outcome)]},
        "times": {"type": "integer", "minimum": 1},
    },
}
_TIME: Values = {"type": ["string", "null"], "format": "date-time"}
_RUN: Values = {
    "type": "object",
    "required": ["id", "status", "trigger", "harness", "model", "usage", "cost_usd", "started_at", "ended_at"],
    "properties": {
        "id": {"type": "string"},
        "status": _STATUS,
        "reason": {"type": "string"},
        "trigger": {"type": "object"},
        "prompt": {"type": "string"},
        "session": {"type": "string"},
        "delivery": {"type": "string"},
        "harness": {"type": "object"},
        "model": {"type": ["object", "null"]},
        "usage": {"type": "object"},
        "cost_usd": {"type": ["string", "null"]},
        "created_at": _TIME,
        "started_at": _TIME,
        "ended_at": _TIME,
        "answer": {"type": "string"},
        "artifacts": {"type": "array", "items": {"type": "object"}},
    },
}
