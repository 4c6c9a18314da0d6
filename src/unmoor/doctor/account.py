"""The identity that is logged in at a platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from unmoor.errors import UnmoorError
from unmoor.findings import Finding, failure, ok

from .machine import clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An identity as the platform names it, and the platform's time if it reported one."""

    who: str
    at: datetime | None = None


def account_findings(
    look: Callable[[], Account], *, where: str, todo: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[Finding]:
    """Whether somebody is logged in there, and whether the clocks agree."""
    try:
        account = look()
    except UnmoorError as error:
        yield failure("credentials", str(error), todo)
        return
    yield ok("credentials", account.who)
    yield clock(now(), account.at, where=where)
