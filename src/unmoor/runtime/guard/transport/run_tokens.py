"""A run's token proves the run's id: it is an HMAC under a key that runners and the guard hold, and no harness."""

from __future__ import annotations

import hashlib
import hmac

from unmoor.container import RUN_TOKEN_KEY
from unmoor.runtime.events import NetworkDenied

from .types import Emit, FlushableHandler, RunCredentials, Stream

PURPOSE = b"unmoor run token\n"


def run_token(key: str, run: str) -> str:
    """The token of this run."""
    return hmac.new(key.encode(), PURPOSE + run.encode(), hashlib.sha256).hexdigest()


class RunKey:
    """The key of a guard: one that it was given, or that of the runner which holds it. A guard that is there for one
    run takes the key of the first, for as long as that holds it: the runner does so before its harness starts."""

    def __init__(self, key: str = "", *, from_holder: bool = False) -> None:
        self._key = key
        self._from_holder = from_holder

    def take(self, key: str) -> bool:
        """Whether a runner with this key may hold the guard."""
        if self._from_holder and not self._key:
            self._key = key
        return not self._from_holder or hmac.compare_digest(self._key.encode(), key.encode())

    def let_go(self) -> None:
        """The runner that held the guard has ended; its key proves nothing any more."""
        if self._from_holder:
            self._key = ""

    def proves(self, grant: RunCredentials) -> bool:
        """Whether the token was made for the run under this key."""
        made = run_token(self._key, grant.run).encode()
        return bool(self._key) and hmac.compare_digest(grant.token.encode(), made)


class VerifiedRuns:
    """Forwards a connection to the guard if its token proves its run."""

    def __init__(self, guard: FlushableHandler, key: RunKey) -> None:
        self._guard = guard
        self._key = key

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        if not self._key.proves(grant):
            reason = f"the token does not prove this run; give runs and the guard the same {RUN_TOKEN_KEY}"
            emit(NetworkDenied(destination="the guard", reason=reason))
            stream.abort()
            return await stream.close()
        await self._guard.serve(stream, grant, emit)

    async def settle(self) -> None:
        await self._guard.settle()
