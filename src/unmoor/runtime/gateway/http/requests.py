"""Reads requests: body, query and path; HttpError for anything invalid."""

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
DELIVERY_CURSOR = re.compile(rf"([{keys.DIGITS}]{{9}}-[{keys.DIGITS}]{{7}})\.(\d{{1,6}})")
# https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-http-protocol-contract.html
SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """The body of POST /runs."""

    prompt: str
    session: str


async def read_body(
    request: Request,
    *,
    most: int = MOST_BODY,
    timeout_s: float = BODY_S,
    on_growth: Callable[[int], Awaitable[None]] | None = None,
) -> bytes:
    """The whole body; HttpError as soon as it is too large or too slow. `on_growth` receives the size so far."""
    too_large = HttpError(413, f"the body is larger than {most} bytes")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise too_large
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout_s):
            async for piece in request.stream():
                pieces.append(piece)
                size += len(piece)
                if size > most:
                    raise too_large
                if on_growth is not None:
                    await on_growth(size)
    except TimeoutError:
        raise HttpError(408, f"the body did not arrive within {timeout_s:g} s") from None
    except ClientDisconnect:
        raise HttpError(400, "the connection closed before the whole body arrived") from None
    return b"".join(pieces)


def new_run(body: bytes) -> NewRun:
    """Parses the body of POST /runs."""
    values = _object(body)
    for name in values:
        if name not in ("prompt", "session"):
            raise HttpError(400, f"{name[:60]}: unknown field; a run has prompt and session")
    prompt = _text(values, "prompt")
    if not prompt.strip():
        raise HttpError(400, "prompt: is empty or missing; write the task for the agent")
    session = _text(values, "session")
    if len(session) > MOST_SESSION:
        raise HttpError(400, f"session: is longer than {MOST_SESSION} characters")
    return NewRun(prompt=prompt, session=session)


def with_session(run: NewRun, session: str) -> NewRun:
    """The run with the header's session, where the body names none."""
    if len(session) > MOST_SESSION:
        raise HttpError(400, f"the session header is longer than {MOST_SESSION} characters")
    return NewRun(prompt=run.prompt, session=run.session or session)


def require_empty_body(body: bytes) -> None:
    """HttpError unless the body is empty or an empty object."""
    if body.strip() and _object(body):
        raise HttpError(400, "this request takes no body")


def run_id(text: str) -> str:
    """The id in a path; HttpError where it is not a run id."""
    if not keys.RUN_ID.fullmatch(text):
        raise HttpError(404, "no run has this id")
    return text


def int_param(query: Mapping[str, str], name: str, *, usual: int, least: int, most: int) -> int:
    text = query.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 19 and least <= int(text) <= most):
        raise HttpError(400, f"{name}: {text[:40]!r} is not an integer from {least} to {most}")
    return int(text)


def cursor_param(query: Mapping[str, str], pattern: re.Pattern[str] = keys.RUN_ID) -> str:
    """The cursor of a page: a run's id, or DELIVERY_CURSOR for deliveries."""
    text = query.get("cursor", "")
    if text and not pattern.fullmatch(text):
        raise HttpError(400, f"cursor: {text[:40]!r} is not a cursor; use the next_cursor of the previous page")
    return text


def limit_param(query: Mapping[str, str]) -> int:
    """The number of entries on a page."""
    return int_param(query, "limit", usual=USUAL_RUNS, least=1, most=MOST_RUNS)


def matches_if_none_match(request: Request, tag: str) -> bool:
    """Whether If-None-Match names this entity tag (RFC 9110, section 13.1.2)."""
    tags = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in tags or tags == ["*"]


def reject_unknown_params(query: QueryParams, *names: str) -> None:
    """HttpError for parameters that would be ignored."""
    for name in query:
        if len(query.getlist(name)) > 1:
            raise HttpError(400, f"{name[:60]}: appears more than once")
        if name not in names:
            known = " and ".join(names)
            raise HttpError(400, f"{name[:60]}: unknown parameter; this path takes {known or 'none'}")


def _object(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise HttpError(400, f"the body is not JSON{where}; send a JSON object") from None
    if not isinstance(values, dict):
        raise HttpError(400, "the body is not a JSON object")
    return values


def _each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(members)
    if len(values) < len(members):
        twice = next(name for name, _ in members if [n for n, _ in members].count(name) > 1)
        raise HttpError(400, f"{twice[:60]}: appears more than once")
    return values


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name, "")
    if value is None and name == "session":
        return ""
    if not isinstance(value, str):
        raise HttpError(400, f"{name}: is not a string")
    return value
