"""How many answers may be under way at one time of those that take long."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from unmoor.runtime.http.responses import HttpError

MOST = 200


@dataclass(slots=True, kw_only=True)
class StreamLimit:
    """Places for streams, and for others who wait for a run's end."""

    most: int = MOST
    taken: int = 0

    def check(self) -> None:
        """A Refusal where none is free."""
        if self.taken >= self.most:
            raise HttpError(
                503,
                f"{self.most} streams are open, and no more are served; poll with ?after=N&wait=20",
                retry_after="5",
            )

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Holds one while it lasts."""
        self.check()
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
