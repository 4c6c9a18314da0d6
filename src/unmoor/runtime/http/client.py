"""Another service's HTTP API: JSON out and in, and every fault sorted into what passes and what does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from unmoor.runtime.errors import ConfigurationError, TransientError

from .error_body import MAX_MESSAGE, parse_error, parse_json_or_text

UNIX = "unix://"
TIMEOUT_S = 20.0
# What a service says when it is asked too often, or has no room just now; 408 and 5xx are its own trouble.
PASSING = (408, 425, 429)


class RequestRejected(ConfigurationError):
    """A service refused what it was asked, and would again: its status, its word for the reason, what it said."""

    def __init__(self, text: str, *, status: int, code: str, values: Any) -> None:
        super().__init__(text)
        self.status, self.code, self.values = status, code, values


@dataclass(slots=True, kw_only=True)
class JsonHttpClient:
    """A service at a URL, or at `unix:///path/to/socket`; `name` is what faults call it."""

    name: str
    url: str
    timeout_s: float = TIMEOUT_S
    _session: aiohttp.ClientSession | None = field(default=None, repr=False)

    async def request(
        self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """What is answered, None where that is nothing. NotDone where it is refused, InfrastructureFault where it may
        be done later."""
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {**({"content-type": "application/json"} if content else {}), **(headers or {})}
        try:
            async with self._open().request(
                method, self._base + path, data=content, headers=given, allow_redirects=False
            ) as got:
                return self._taken(f"{method} {path.partition('?')[0]}", got.status, await got.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = str(error) or type(error).__name__
            raise TransientError(f"{self.name} cannot be reached: {why[:MAX_MESSAGE]}") from error

    async def close(self) -> None:
        """Lets go of its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def _base(self) -> str:
        return "http://localhost" if self.url.startswith(UNIX) else self.url.rstrip("/")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            socket = self.url.removeprefix(UNIX) if self.url.startswith(UNIX) else ""
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(path=socket) if socket else None,
                timeout=aiohttp.ClientTimeout(total=self.timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _taken(self, asked: str, status: int, content: bytes) -> Any:
        values = parse_json_or_text(content)
        if status < 400:
            return values
        code, said = parse_error(values)
        text = f"{self.name} answered {asked} with {status}: {said}"
        if status in PASSING or status >= 500:
            raise TransientError(text)
        raise RequestRejected(text, status=status, code=code, values=values)
