"""How this container authenticates to the platform's front before a guard: one table, by the guard's host."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import quote

TIMEOUT_S = 10
# A token that expires sooner is renewed.
MARGIN_S = 300


class Identity(Protocol):
    """Authenticates this container to the platform's front before a guard."""

    async def headers(self) -> Mapping[str, str]:
        """The headers of a request; ConnectionError if the platform issues no credentials."""
        ...


class GoogleIdentity:
    """Identity tokens that Cloud Run requires from callers, issued by the metadata server.

    https://docs.cloud.google.com/run/docs/authenticating/service-to-service#acquire-token
    """

    def __init__(self, audience: str) -> None:
        host = os.environ.get("GCE_METADATA_HOST", "") or "metadata.google.internal"
        path = "/computeMetadata/v1/instance/service-accounts/default/identity"
        self._url = f"http://{host}{path}?audience={quote(audience, safe='')}"
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def headers(self) -> Mapping[str, str]:
        return {"X-Serverless-Authorization": f"Bearer {await self.token()}"}

    async def token(self) -> str:
        """A token that is valid for some minutes; ConnectionError if the platform issues none."""
        async with self._lock:
            if time.time() >= self._until:
                self._token = await self._fetch()
                self._until = _expires(self._token) - MARGIN_S
            return self._token

    async def _fetch(self) -> str:
        import aiohttp

        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
                response = await session.get(self._url, headers={"Metadata-Flavor": "Google"})
                if response.status == 200:
                    return (await response.text()).strip()
            reason = f"responds {response.status}"
        except (aiohttp.ClientError, TimeoutError):
            reason = "does not respond"
        raise ConnectionError(f"the platform issues no identity token: the metadata server {reason}")


# The end of a guard's host to the identity that its front requires; no other front requires one.
IDENTITIES: Mapping[str, Callable[[str], Identity]] = {".run.app": GoogleIdentity}


def caller_identity(host: str) -> Identity | None:
    """The identity to present to the front at this host, None if it requires none."""
    create = next((create for end, create in IDENTITIES.items() if host.partition(":")[0].endswith(end)), None)
    return create(f"https://{host}") if create else None


def _expires(token: str) -> float:
    """A JWT's expiry; about a minute from now if it has none."""
    try:
        payload = token.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
    except (IndexError, KeyError, ValueError, TypeError):
        return time.time() + MARGIN_S + 60
