"""A model API's format: which requests pass, how its key and errors look, and how its usage is read."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from unmoor.runtime.events import Finish
from unmoor.runtime.json_values import Json, items, object_at

from .ending import Ending
from .usage import ReportedUsage, price_terms

Kind = Literal["generate", "count", "list"]
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An allowed request: its kind, its path below the model's base URL, and the model if the path names one."""

    kind: Kind
    path: str
    model: str | None = None


class WireFormat(ABC):
    """One model API's format. Stateless."""

    # The requests that pass, for the message of a refusal.
    passes: ClassVar[str]
    posts: ClassVar[tuple[tuple[str, Kind], ...]] = ()
    models: ClassVar[re.Pattern[str]]
    # The most output tokens of a request that sets no limit: more than any model of the format writes.
    most_output: ClassVar[int]
    # The provider's words for an end that is not complete.
    finishes: ClassVar[Mapping[str, Finish]]

    def call(self, method: str, path: str) -> Call | None:
        """The call, None if it is not allowed. `path` follows the base URL and is still encoded."""
        if method == "POST" and (kind := dict(self.posts).get(path)):
            return Call(kind=kind, path=path)
        return Call(kind="list", path=path) if method == "GET" and self.models.fullmatch(path) else None

    def allowed_query(self, pairs: Pairs) -> Pairs:
        """The query parameters to send; ValueError for one that would change what the response reports."""
        return [(name, value) for name, value in pairs if name != "key"]

    def streams(self, body: Json, call: Call) -> bool:
        """Whether the request asks for a stream."""
        return body.get("stream") is True

    @abstractmethod
    def max_output(self, body: Json) -> int:
        """The most output tokens of all responses to this request."""

    @abstractmethod
    def images(self, body: Json) -> Iterable[str]:
        """The images within the messages, in base64."""

    def requested_terms(self, body: Json) -> tuple[tuple[str, str], ...]:
        """The members of the body that decide the price."""
        return price_terms(body, "service_tier", "speed", "inference_geo")

    @abstractmethod
    def key(self, key: str) -> tuple[str, str]:
        """The header with the provider's key."""

    @abstractmethod
    def policy_violations(self, body: Json, model: str) -> Iterable[str]:
        """The members of the body that would use another model, or usage that is never reported."""

    @abstractmethod
    def provider_side_egress(self, body: Json) -> Iterable[str]:
        """The first member of the body by which the provider would connect to other hosts, read its account's data or
        run tools for the run, or that the guard does not know."""

    @abstractmethod
    def accumulate_usage(self, usage: ReportedUsage, event: Json) -> ReportedUsage:
        """The usage after this event of a stream, or after this whole response."""

    @abstractmethod
    def accumulate_ending(self, ending: Ending, event: Json) -> Ending:
        """How the response ends by this event of a stream, or by this whole response."""

    @abstractmethod
    def error(self, status: int, message: str) -> Json:
        """An error in the provider's shape."""

    def error_event(self, message: str) -> bytes:
        """The same within a stream."""
        return f"data: {json.dumps(self.error(402, message))}\n\n".encode()


def one_or_more(value: object, name: str) -> list[Json]:
    """The objects in the list under this name, or the one object in its place: some providers read it as a list."""
    one = object_at(value, name)
    return [one] if one else items(value, name)
