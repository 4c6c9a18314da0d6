"""What a run's harness asks of the model, judged before it goes out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from unmoor.runtime.guard.model.formats.openai_chat import OpenAIChatFormat, add_usage_request, requests_usage

from .formats import Call, Json, WireFormat, formats_of

# Read, a body takes many times the memory that it has as text: up to 300 MiB at these numbers.
MOST_PARTS, MOST_ITEMS = 1_000_000, 8_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPolicy:
    """What the agent's spec allows: one model of one provider, and whether the provider may reach the web for it."""

    provider: str
    model: str
    web: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRequest:
    """A request that goes out: the call, its query, its body as it is sent."""

    wire: WireFormat
    call: Call
    query: str
    body: bytes
    streams: bool = False
    # Usage is asked for by the guard, and not by the client.
    hide_usage: bool = False


class RequestDenied(Exception):
    """The request does not go out; `status` and the text are the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def authorize(rules: ModelPolicy, method: str, path: str, query: str, body: bytes, encoding: str) -> ProviderRequest:
    """The request as it goes out; NotAllowed where it does not. `path` is what follows `/model/`."""
    wire, call = _call(rules, method, path)
    try:
        pairs = wire.allowed_query(parse_qsl(query, keep_blank_values=True))
    except ValueError as error:
        raise RequestDenied(403, f"{error} does not pass") from None
    plain = ProviderRequest(wire=wire, call=call, query=urlencode(pairs), body=body)
    if call.kind == "list":
        return plain
    if encoding not in ("", "identity"):
        raise RequestDenied(415, f"a request's body must not be encoded, and this one is: {encoding}")
    values = _json(body)
    for why in _objections(rules, wire, call, values):
        raise RequestDenied(403, why)
    return _metered(plain, values)


def _call(rules: ModelPolicy, method: str, path: str) -> tuple[WireFormat, Call]:
    wires = formats_of(rules.provider)
    for wire in wires:
        if call := wire.call(method, path):
            return wire, call
    raise RequestDenied(403, f"{method} {path[:100]} does not pass; the guard passes {wires[0].passes}")


def _objections(rules: ModelPolicy, wire: WireFormat, call: Call, body: Json) -> Iterator[str]:
    name = body.get("model") if call.model is None else call.model
    if name != rules.model:
        shown = name if isinstance(name, str) else "no model"
        yield f"this agent uses {rules.model} and nothing else; asked was {shown[:100]}"
    yield from wire.policy_violations(body, rules.model)
    if not rules.web:
        for way in wire.provider_side_egress(body):
            yield f"{way}: the provider would reach other hosts for this run; that takes network.egress: any"


def _metered(plain: ProviderRequest, values: Json) -> ProviderRequest:
    streams = plain.call.kind == "generate" and plain.wire.streams(values, plain.call)
    if streams and isinstance(plain.wire, OpenAIChatFormat) and not requests_usage(values):
        body = add_usage_request(plain.body, values)
        return ProviderRequest(
            wire=plain.wire, call=plain.call, query=plain.query, body=body, streams=True, hide_usage=True
        )
    return ProviderRequest(wire=plain.wire, call=plain.call, query=plain.query, body=plain.body, streams=streams)


def _json(body: bytes) -> Json:
    """The body's object. A field that stands in it twice, if only in other letters, is taken for one
    thing here and for another there."""
    last: list[tuple[str, Any]] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal last
        last = pairs
        return dict(pairs)

    if body.count(b"{") + body.count(b"[") > MOST_PARTS or body.count(b",") > MOST_ITEMS:
        raise RequestDenied(413, "the request's body has more parts than can be read here")
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=keep)
    except (ValueError, RecursionError):
        raise RequestDenied(400, "the request's body is no JSON") from None
    if not isinstance(value, dict):
        raise RequestDenied(400, "the request's body is no JSON object")
    if len({name.lower() for name in value}) != len(last):
        raise RequestDenied(400, "a field stands in the request's body twice")
    return value
