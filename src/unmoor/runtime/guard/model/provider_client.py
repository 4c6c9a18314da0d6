"""The HTTP client of the model's provider: verified TLS, no redirects, a time limit on every wait."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from unmoor.runtime.errors import ConfigurationError

if TYPE_CHECKING:
    import aiohttp

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamTimes:
    """How long the provider may be silent: while connecting, before a response that should begin soon (such as a
    stream), before one that arrives as a whole, and within a response. A reasoning model is silent for minutes: Codex
    itself waits 300 s."""

    connect_s: float = 20
    soon_s: float = 300
    whole_s: float = 900
    idle_s: float = 300


class ProviderTimeout(Exception):
    """The provider was silent for too long."""


class ProviderUnreachable(Exception):
    """The provider cannot be reached, or broke the connection; the text holds no secret."""


class SentBody(io.BytesIO):
    """A request's body that knows whether all of it was sent; nothing is sent before there is a connection."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.size, self.sent = len(content), 0

    @property
    def is_sent(self) -> bool:
        return self.sent >= self.size

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.sent += len(data)
        return data


class ProviderClient:
    """One provider; open while entered."""

    def __init__(self, base_url: str, times: UpstreamTimes, *, trust: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ConfigurationError("model.base_url: the key would be sent without TLS; write https://")
        self._base = base_url.rstrip("/")
        self._times = times
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> ProviderClient:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._trust or ssl.create_default_context()),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._times.connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("Accept", "Content-Type", "User-Agent"),
            # The same limits as the guard's own.
            max_line_size=64 * 1024,
            max_field_size=64 * 1024,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    @asynccontextmanager
    async def send(
        self, method: str, path: str, query: str, headers: list[tuple[str, str]], body: SentBody, *, soon: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response's head; `read` reads its content. ProviderTimeout or ProviderUnreachable if none arrives."""
        import aiohttp
        from yarl import URL

        assert self._session is not None
        url = URL(f"{self._base}/{path}{'?' + query if query else ''}", encoded=True)
        wait_s = self._times.soon_s if soon else self._times.whole_s
        try:
            async with asyncio.timeout(wait_s):
                response = await self._session.request(
                    method, url, headers=headers, data=body if body.size else None, allow_redirects=False
                )
        except TimeoutError:
            raise ProviderTimeout(f"no response within {wait_s:g} s") from None
        except aiohttp.ClientError as error:
            raise ProviderUnreachable(_reason(error)) from None
        try:
            yield response
        finally:
            response.close()

    async def read(self, response: aiohttp.ClientResponse) -> bytes:
        """The next bytes of its content, empty at its end; ProviderTimeout or ProviderUnreachable if none arrive."""
        import aiohttp

        try:
            async with asyncio.timeout(self._times.idle_s):
                return await response.content.readany()
        except TimeoutError:
            raise ProviderTimeout(f"no more data within {self._times.idle_s:g} s") from None
        except (aiohttp.ClientError, ConnectionError) as error:
            raise ProviderUnreachable(_reason(error)) from None


def _reason(error: Exception) -> str:
    """A reason of our own: a library's text may hold the URL or a secret."""
    import aiohttp

    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is invalid"
        case aiohttp.ClientSSLError():
            return "TLS with it fails"
        case aiohttp.ClientConnectorDNSError():
            return "its name cannot be resolved"
        case aiohttp.ClientConnectorError():
            return "the connection failed"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | ConnectionError():
            return "it broke the connection"
        case _:
            return f"its response is invalid ({type(error).__name__})"
