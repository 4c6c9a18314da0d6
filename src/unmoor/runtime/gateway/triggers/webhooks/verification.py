"""What the signature schemes share: the request, digests, comparison and signed times."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

# The tolerance that the senders recommend.
TOLERANCE_S = 300
# Seconds have ten digits until the year 2286, and milliseconds thirteen since 2001.
FIRST_MILLISECONDS = 10**11


class SignatureError(Exception):
    """Why verification failed; one line without any content of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """A request to verify: its headers, raw body and time of arrival."""

    headers: Mapping[str, str]
    body: bytes
    now: datetime

    def header(self, name: str) -> str:
        """The header's text; SignatureError where it is missing."""
        text = self.headers.get(name, "").strip()
        if not text:
            raise SignatureError(f"{name} is missing")
        return text


def digest(key: bytes, signed: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(key, signed, getattr(hashlib, algorithm)).digest()


def expect_one(given: Iterable[str], expected: str) -> None:
    """SignatureError unless one matches; compares in constant time."""
    found = False
    for text in given:
        found |= constant_time_equal(text, expected)
    if not found:
        raise SignatureError("the signature does not match: the secret differs, or the body was changed")


def constant_time_equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def check_timestamp(text: str, now: datetime, tolerance_s: int = TOLERANCE_S) -> None:
    """SignatureError where the signed time is invalid, or too far from now."""
    at = _moment(text)
    if at is None:
        raise SignatureError("the signed time is invalid")
    if abs((now - at).total_seconds()) > tolerance_s:
        raise SignatureError(f"the signed time is more than {tolerance_s} s from now: an old message, or a wrong clock")


def decode_whsec(secret: str) -> bytes:
    """The key of a secret in base64, with or without `whsec_` and padding; ValueError for anything else."""
    text = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise ValueError("is not whsec_ and base64")
    return key


def id_from_signature(headers: Mapping[str, str]) -> str:
    """The prefix of the Standard Webhooks headers, svix- for some senders; empty without a signature."""
    return next((prefix for prefix in ("webhook-", "svix-") if prefix + "signature" in headers), "")


def _moment(text: str) -> datetime | None:
    try:
        if text.isascii() and text.isdigit() and len(text) <= 16:
            number = int(text)
            return datetime.fromtimestamp(number / 1000 if number >= FIRST_MILLISECONDS else number, UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else None
