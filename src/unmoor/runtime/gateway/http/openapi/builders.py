"""What operations are put together from: parameters, answers, refusals."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]

REASONS = {
    400: "The request is not what is described here",
    401: "The token is missing or wrong",
    404: "There is no such thing",
    408: "The body did not come in time",
    410: "Its time is over: it is no longer kept",
    413: "The body is too large",
    415: "The body is not in a form that is read here",
    416: "The range lies outside of the file",
    429: "Skipped: all runs are taken, and run.when_busy is skip",
    500: "The gateway failed; its log says where",
    503: "The store cannot be reached, the gateway is stopping, or too many streams are open: try again",
}
TEXT: Values = {"type": "string"}
AGAIN = {"Retry-After": {"description": "Seconds until another try", "schema": TEXT}}
SHOW = {"WWW-Authenticate": {"description": "How the token is shown", "schema": {"const": "Bearer"}}}
MORE_HEADERS = {401: SHOW, 429: AGAIN}


def operation(
    name: str, summary: str, answers: Values, *refusals: int, parameters: tuple[Values, ...] = (), is_open: bool = False
) -> Values:
    """An operation: its answers by status, and the statuses of its refusals besides those of every one."""
    statuses = {*refusals, 500, *(() if is_open else (401,))}
    return {
        "operationId": name,
        "summary": summary,
        **({"security": []} if is_open else {}),
        **({"parameters": list(parameters)} if parameters else {}),
        "responses": {**answers, **{str(s): refusal(s) for s in sorted(statuses) if str(s) not in answers}},
    }


def refusal(status: int) -> Values:
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


def query(name: str, schema: Values, description: str) -> Values:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def request_header(name: str, schema: Values, description: str) -> Values:
    return {"name": name, "in": "header", "schema": schema, "description": description}


def in_path(name: str, schema: Values, description: str) -> Values:
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}
