"""Requests to AWS: Signature Version 4 and the credentials of a task's role.

Written by hand, because botocore takes 34 MB of the image and 21 MB of a gateway's memory; tests compare the two.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.http.client import JsonHttpClient

ALGORITHM = "AWS4-HMAC-SHA256"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
TASK_ENDPOINT = "http://169.254.170.2"
RENEWED_BEFORE = timedelta(minutes=5)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A key, its secret, and its session token, which may be empty."""

    key: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    until: datetime = NEVER


def sign_request(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    credentials: Credentials,
    *,
    region: str,
    service: str,
    at: datetime,
) -> dict[str, str]:
    """The headers of a POST to a URL without a query, with its signature."""
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    given = {
        **{name.lower(): value for name, value in headers.items()},
        "host": urlsplit(url).netloc,
        "x-amz-date": stamp,
        **({"x-amz-security-token": credentials.token} if credentials.token else {}),
    }
    names = ";".join(sorted(given))
    lines = "".join(f"{name}:{given[name].strip()}\n" for name in sorted(given))
    canonical = f"POST\n{urlsplit(url).path or '/'}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    signature = _hmac(key, text).hex()
    given["authorization"] = (
        f"{ALGORITHM} Credential={credentials.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return given


@dataclass(slots=True, kw_only=True)
class CredentialProvider:
    """This container's credentials: from its variables, or of its task's role, renewed before they expire."""

    environment: Mapping[str, str] = field(repr=False)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _cached: Credentials | None = field(default=None, repr=False)

    async def get(self) -> Credentials:
        """Credentials that stay valid for some minutes."""
        if self._cached is None or self._cached.until - self.clock() < RENEWED_BEFORE:
            self._cached = self._from_variables() or await self._from_task_role()
        return self._cached

    def invalidate(self) -> None:
        self._cached = None

    def _from_variables(self) -> Credentials | None:
        key, secret = (self.environment.get(f"AWS_{n}", "") for n in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
        token = self.environment.get("AWS_SESSION_TOKEN", "")
        return Credentials(key=key, secret=secret, token=token) if key and secret else None

    async def _from_task_role(self) -> Credentials:
        path = self.environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "")
        url = TASK_ENDPOINT + path if path else self.environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
        if not url:
            raise ConfigurationError("no AWS credentials: the container's task has no role")
        token = self.environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        rest = JsonHttpClient(name="the task's credentials", url=url)
        try:
            found = await rest.request("GET", "", headers={"authorization": token} if token else None)
        finally:
            await rest.close()
        return Credentials(
            key=found["AccessKeyId"],
            secret=found["SecretAccessKey"],
            token=found.get("Token", ""),
            until=datetime.fromisoformat(found["Expiration"]),
        )


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
