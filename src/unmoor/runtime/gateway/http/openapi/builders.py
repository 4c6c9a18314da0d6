"""Builds operations: parameters, responses, errors."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]

REASONS = {
    400: "The request does not match this description",
    401: "The token is missing or wrong",
    404: "It does not exist",
    408: "The body did not arrive in time",
    410: "It is no longer stored",
    413: "The body is too large",
    415: "The body has an unsupported encoding",
    416: "The range is outside of the file",
    429: "Skipped: run.max_concurrent runs are active, and run.when_busy is skip",
    500: "Internal error; see the gateway's log",
    503: "The store cannot be reached, the gateway is stopping, or too many streams are open: try again",
}
TEXT: Values = {"type": "string"}
AGAIN = {"Retry-After": {"description": "Seconds until a retry", "schema": TEXT}}
SHOW = {"WWW-Authenticate": {"description": "The authentication scheme", "schema": {"const": "Bearer"}}}
MORE_HEADERS = {401: SHOW, 429: AGAIN}


def operation(
    name: str, summary: str, answers: Values, *errors: int, parameters: tuple[Values, ...] = (), is_open: bool = False
) -> Values:
    """An operation with its responses by status, and the statuses of its errors beside the common ones."""
    statuses = {*errors, 500, *(() if is_open else (401,))}
    return {
        "operationId": name,
        "summary": summary,
        **({"security": []} if is_open else {}),
        **({"parameters": list(parameters)} if parameters else {}),
        "responses": {**answers, **{str(s): error(s) for s in sorted(statuses) if str(s) not in answers}},
    }


def error(status: int) -> Values:
    headers = MORE_HEADERS.get(status)
    return {
        "description": REASONS[status],
        **({"headers": headers} if headers else {}),
        "content": {"application/json": {"schema": ref("Error")}},
    }


def answer(text: str, schema: Values, *, kind: str = "application/json", headers: Values | None = None) -> Values:
    return {
        "description": text,
        **({"headers": headers} if headers else {}),
        "content": {kind: {"schema": schema}},
    }


def body(schema: Values, *, kinds: tuple[str, ...] = ("application/json",)) -> Values:
    return {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}


def header(description: str, schema: Values = TEXT) -> Values:
    return {"description": description, "schema": schema, "required": True}


def ref(name: str) -> Values:
    return {"$ref": f"#/components/schemas/{name}"}


def parameter(place: str, name: str, schema: Values, description: str) -> Values:
    """A parameter in `query`, `header` or `path`, where it is required."""
    required = {"required": True} if place == "path" else {}
    return {"name": name, "in": place, **required, "schema": schema, "description": description}
