"""What a request asks for, read from its body, query and path; a Refusal for anything else."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request

from unmoor.runtime.http.responses import HttpError
from unmoor.runtime.state import keys

MOST_BODY = 1024 * 1024
MOST_SESSION = 512
BODY_S = 30.0
MOST_RUNS, USUAL_RUNS = 200, 20
MOST_WAIT_S = 60
# https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-http-protocol-contract.html
SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What POST /runs is given."""

    prompt: str
    session: str


async def read_body(
    request: Request,
    *,
    most: int = MOST_BODY,
    patience_s: float = BODY_S,
    grown: Callable[[int], Awaitable[None]] | None = None,
) -> bytes:
    """The whole body; refused as soon as it is too large, or too slow. `grown` hears how large it has become."""
    too_large = HttpError(413, f"the body is larger than {most} bytes; send less")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise too_large
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(patience_s):
            async for piece in request.stream():
                pieces.append(piece)
                size += len(piece)
                if size > most:
                    raise too_large
                if grown is not None:
                    await grown(size)
    except TimeoutError:
        raise HttpError(408, f"the body did not come within {patience_s:g} s") from None
    except ClientDisconnect:
        raise HttpError(400, "the connection broke before the body was whole") from None
    return b"".join(pieces)


def new_run(body: bytes) -> NewRun:
    """The run that a body asks for."""
    values = _object(body)
    for name in values:
        if name not in ("prompt", "session"):
            raise HttpError(400, f"{name[:60]}: is not known; a run has prompt and session")
    prompt = _text(values, "prompt")
    if not prompt.strip():
        raise HttpError(400, "prompt: is empty or missing; say what the run is to do")
    session = _text(values, "session")
    if len(session) > MOST_SESSION:
        raise HttpError(400, f"session: is longer than {MOST_SESSION} characters")
    return NewRun(prompt=prompt, session=session)


def with_session(wanted: NewRun, session: str) -> NewRun:
    """The run with the session that a header gives, where its body gives none."""
    if len(session) > MOST_SESSION:
        raise HttpError(400, f"the session header is longer than {MOST_SESSION} characters")
    return NewRun(prompt=wanted.prompt, session=wanted.session or session)


def require_empty_body(body: bytes) -> None:
    """A body where none is needed: none, or an empty object."""
    if body.strip() and _object(body):
        raise HttpError(400, "the body: nothing is needed here; leave it out")


def run_id(text: str) -> str:
    """A run's id as a path holds it."""
    if not keys.RUN_ID.fullmatch(text):
        raise HttpError(404, "there is no run of that id")
    return text


def int_param(query: Mapping[str, str], name: str, *, usual: int, least: int, most: int) -> int:
    """A whole number of the query."""
    text = query.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 19 and least <= int(text) <= most):
        raise HttpError(400, f"{name}: {text[:40]!r} is no whole number from {least} to {most}")
    return int(text)


def cursor_param(query: Mapping[str, str]) -> str:
    """Where a page of runs begins."""
    text = query.get("cursor", "")
    if text and not keys.RUN_ID.fullmatch(text):
        raise HttpError(400, f"cursor: {text[:40]!r} is no cursor; write the next_cursor of the page before")
    return text


def reject_unknown_params(query: QueryParams, *names: str) -> None:
    """Refuses parameters that would be ignored."""
    for name in query:
        if len(query.getlist(name)) > 1:
            raise HttpError(400, f"{name[:60]}: is given more than once")
        if name not in names:
            known = " and ".join(names)
            raise HttpError(400, f"{name[:60]}: is not known here; this path takes {known or 'no parameters'}")


def _object(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise HttpError(400, f"the body is no JSON{where}; send an object") from None
    if not isinstance(values, dict):
        raise HttpError(400, "the body is no JSON object")
    return values


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(members)
    if len(values) < len(members):
        twice = next(name for name, _ in members if [n for n, _ in members].count(name) > 1)
        raise HttpError(400, f"{twice[:60]}: is given more than once")
    return values


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name, "")
    if value is None and name == "session":
        return ""
    if not isinstance(value, str):
        raise HttpError(400, f"{name}: is no text; write a string")
    return value


CURSOR = re.compile(rf"([{keys.DIGITS}]{{9}}-[{keys.DIGITS}]{{7}})\.(\d{{1,6}})")


def cursor_of(query: Mapping[str, str]) -> str:
    """Where a page begins, as the query says it."""
    text = query.get("cursor", "")
    if text and not CURSOR.fullmatch(text):
        raise HttpError(400, f"cursor: {text[:40]!r} is no cursor; write the next_cursor of the page before")
    return text
