"""What a wire format is: which requests of it pass, how its key and its errors look, and how its usage is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from .usage import Json, ReportedUsage

Kind = Literal["generate", "count", "list"]
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that passes: what for, where to below the model's base URL, and the model if its path names one."""

    kind: Kind
    path: str
    model: str | None = None


class WireFormat(Protocol):
    """One wire format. Stateless: `after` is a function over values."""

    # What passes, for a message to those whose request does not.
    passes: str

    def call(self, method: str, path: str) -> Call | None:
        """The call that this is, or None for what does not pass. `path` is what follows the base URL, still encoded."""
        ...

    def allowed_query(self, pairs: Pairs) -> Pairs:
        """Those of the query's parameters that go on; ValueError for one that would change what the answer says."""
        ...

    def key(self, key: str) -> tuple[str, str]:
        """The header that carries the provider's key."""
        ...

    def streams(self, body: Json, call: Call) -> bool:
        """Whether a stream is asked for."""
        ...

    def policy_violations(self, body: Json, model: str) -> Iterable[str]:
        """Whatever in the body would have another model used, or usage that is never said."""
        ...

    def provider_side_egress(self, body: Json) -> Iterable[str]:
        """Whatever in the body would have the provider reach other hosts for the run."""
        ...

    def accumulate_usage(self, said: ReportedUsage, event: Json) -> ReportedUsage:
        """What is said after this event of a stream, or after this whole answer."""
        ...

    def error(self, status: int, message: str) -> Json:
        """A refusal as the provider would word it."""
        ...

    def error_event(self, message: str) -> bytes:
        """The same within a stream."""
        ...
