"""Checks a harness's request to the model before it is forwarded."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from unmoor.runtime.guard.model.formats.openai_chat import OpenAIChatFormat, add_usage_request, requests_usage
from unmoor.runtime.json_values import Json

from .formats import Call, WireFormat, formats_of

# A parsed body takes many times the memory of its text: up to 300 MiB at these limits.
NORMAL_PATH = re.compile(r"[A-Za-z0-9._~:@/-]+")
MAX_PARTS, MAX_ITEMS = 1_000_000, 8_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPolicy:
    """What the spec allows: one model of one provider, and whether the provider may reach the web for a run."""

    provider: str
    model: str
    web: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRequest:
    """A request to send. `max_output` is the most tokens that its response may have, `terms` decide its price, and
    `images` are the sizes of the images in it. `hide_usage`: the guard requested the usage, and the client did not."""

    format: WireFormat
    call: Call
    query: str
    body: bytes
    streams: bool = False
    hide_usage: bool = False
    max_output: int = 0
    terms: tuple[tuple[str, str], ...] = ()
    images: tuple[int, ...] = ()


class RequestDenied(Exception):
    """The request is not allowed; `status` and the text are the response."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def authorize(policy: ModelPolicy, method: str, path: str, query: str, body: bytes, encoding: str) -> ProviderRequest:
    """The request to send; RequestDenied if it is not allowed. `path` follows `/model/`."""
    wire, call = _allowed_call(policy, method, path)
    try:
        pairs = wire.allowed_query(parse_qsl(query, keep_blank_values=True))
    except ValueError as error:
        raise RequestDenied(403, f"{error} is not allowed") from None
    request = ProviderRequest(format=wire, call=call, query=urlencode(pairs), body=body)
    if call.kind == "list":
        return request
    if encoding not in ("", "identity"):
        raise RequestDenied(415, f"the request's body must not be encoded, and it is encoded with {encoding}")
    values = _parse(body)
    for problem in _problems(policy, wire, call, values):
        raise RequestDenied(403, problem)
    images = tuple(map(len, wire.images(values)))
    limits = {"max_output": wire.max_output(values), "terms": wire.requested_terms(values), "images": images}
    return _request_usage(replace(request, **limits), values)


def _allowed_call(policy: ModelPolicy, method: str, path: str) -> tuple[WireFormat, Call]:
    formats = formats_of(policy.provider)
    if not is_normal_path(path):
        raise RequestDenied(403, f"the path {path[:100]} is not in its normal form; write it without %, .. and //")
    for wire in formats:
        if call := wire.call(method, path):
            return wire, call
    raise RequestDenied(403, f"{method} {path[:100]} is not allowed; the guard allows {formats[0].passes}")


def is_normal_path(path: str) -> bool:
    """Whether every server reads this path alike: no part is encoded, empty, or a step to another folder.

    https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
    """
    return NORMAL_PATH.fullmatch(path) is not None and not {"", ".", ".."} & set(path.split("/"))


def _problems(policy: ModelPolicy, wire: WireFormat, call: Call, body: Json) -> Iterator[str]:
    name = body.get("model") if call.model is None else call.model
    if name != policy.model:
        requested = name[:100] if isinstance(name, str) else "no model"
        yield f"this agent may only use {policy.model}; the request names {requested}"
    yield from wire.policy_violations(body, policy.model)
    if not policy.web:
        for member in wire.provider_side_egress(body):
            yield f"{member}; leave it out, or set network.egress: any"


def _request_usage(request: ProviderRequest, values: Json) -> ProviderRequest:
    """The request, with its usage requested if it is a stream that would not report it."""
    streams = request.call.kind == "generate" and request.format.streams(values, request.call)
    if streams and isinstance(request.format, OpenAIChatFormat) and not requests_usage(values):
        return replace(request, body=add_usage_request(request.body, values), streams=True, hide_usage=True)
    return replace(request, streams=streams)


def _parse(body: bytes) -> Json:
    """The body's object. A name that occurs twice in one object is refused, in the outermost also in another case: the
    provider might read the other value."""
    if body.count(b"{") + body.count(b"[") > MAX_PARTS or body.count(b",") > MAX_ITEMS:
        raise RequestDenied(413, "the request's body has too many parts")
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique_members)
    except (ValueError, RecursionError):
        raise RequestDenied(400, "the request's body is not JSON") from None
    if not isinstance(value, dict):
        raise RequestDenied(400, "the request's body is not a JSON object")
    if len({name.casefold() for name in value}) != len(value):
        raise RequestDenied(400, "the request's body has the same member twice, in two spellings; send it once")
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
    shown = "".join(c if c.isprintable() else "?" for c in twice[:60])
    raise RequestDenied(400, f"the request's body has the member {shown} twice in one object; send it once")
