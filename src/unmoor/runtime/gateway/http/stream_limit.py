"""Limits concurrent long responses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from unmoor.runtime.http.responses import HttpError

MOST = 200


@dataclass(slots=True, kw_only=True)
class StreamLimit:
    """Slots for event streams, and for requests that wait for a run's end."""

    most: int = MOST
    active: int = 0

    def check(self) -> None:
        """HttpError where no slot is free."""
        if self.active >= self.most:
            text = f"all {self.most} streams are in use; poll with ?after=N&wait=20"
            raise HttpError(503, text, retry_after="5")

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        self.check()
        self.active += 1
        try:
            yield
        finally:
            self.active -= 1
