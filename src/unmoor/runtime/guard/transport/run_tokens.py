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


class VerifiedRuns:
    """Forwards a connection to the guard if its token proves its run."""

    def __init__(self, guard: FlushableHandler, key: str) -> None:
        self._guard = guard
        self._key = key

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        if not hmac.compare_digest(grant.token.encode(), run_token(self._key, grant.run).encode()):
            reason = f"the token does not prove this run; give runs and the guard the same {RUN_TOKEN_KEY}"
            emit(NetworkDenied(destination="the guard", reason=reason))
            stream.abort()
            return await stream.close()
        await self._guard.serve(stream, grant, emit)

    async def settle(self) -> None:
        await self._guard.settle()
