"""A client for JSON APIs that separates transient errors from rejections."""

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
# Rate limits and timeouts; these and every 5xx are transient.
TRANSIENT = (408, 425, 429)


class RequestRejected(ConfigurationError):
    """A service rejected a request, and would again: the status, its error code, and the parsed body."""

    def __init__(self, text: str, *, status: int, code: str, values: Any) -> None:
        super().__init__(text)
        self.status, self.code, self.values = status, code, values


@dataclass(slots=True, kw_only=True)
class JsonHttpClient:
    """A service at a URL or `unix:///path/to/socket`; `name` is its name in errors."""

    name: str
    url: str
    timeout_s: float = TIMEOUT_S
    _session: aiohttp.ClientSession | None = field(default=None, repr=False)

    async def request(
        self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """The parsed response, None where it is empty; RequestRejected or TransientError where the request fails."""
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        all_headers = {**({"content-type": "application/json"} if content else {}), **(headers or {})}
        try:
            async with self._open().request(
                method, self._base + path, data=content, headers=all_headers, allow_redirects=False
            ) as response:
                return self._parse(f"{method} {path.partition('?')[0]}", response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise TransientError(f"{self.name} cannot be reached: {reason[:MAX_MESSAGE]}") from error

    async def close(self) -> None:
        """Closes the connections."""
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

    def _parse(self, request: str, status: int, content: bytes) -> Any:
        values = parse_json_or_text(content)
        if status < 400:
            return values
        code, message = parse_error(values)
        text = f"{self.name} answered {request} with {status}: {message}"
        if status in TRANSIENT or status >= 500:
            raise TransientError(text)
        raise RequestRejected(text, status=status, code=code, values=values)
