"""What the ways of signing have in common: what was sent, a digest, a comparison, a time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

# What every sender that signs a time advises.
TOLERANCE_S = 300
# Seconds have ten digits until the year 2286, and milliseconds thirteen since 2001.
FIRST_MILLISECONDS = 10**11


class SignatureError(Exception):
    """Why the sender is not believed: one line of ours, with nothing in it that came from outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """A request as it came: headers by any case of their names, the raw body, and when it came."""

    headers: Mapping[str, str]
    body: bytes
    now: datetime

    def header(self, name: str) -> str:
        """The header's text; Unproven where there is none."""
        text = self.headers.get(name, "").strip()
        if not text:
            raise SignatureError(f"{name} is missing")
        return text


def digest(key: bytes, signed: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(key, signed, getattr(hashlib, algorithm)).digest()


def expect_one(given: Iterable[str], expected: str) -> None:
    """Unproven where none of them is the expected one, in a time that tells nothing about it."""
    found = False
    for text in given:
        found |= constant_time_equal(text, expected)
    if not found:
        raise SignatureError("the signature does not match: another secret, or the body was changed on its way")


def constant_time_equal(given: str, expected: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def check_timestamp(text: str, now: datetime, tolerance_s: int = TOLERANCE_S) -> None:
    """Unproven where the time that was signed is none, or too far from now."""
    at = _moment(text)
    if at is None:
        raise SignatureError("the signed time is no time")
    if abs((now - at).total_seconds()) > tolerance_s:
        raise SignatureError(
            f"the signed time is more than {tolerance_s} s from now: an old message, or a clock is wrong"
        )


def decode_whsec(secret: str) -> bytes:
    """The key that is written as `whsec_` and base64, or as base64 alone; ValueError where it is neither."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise ValueError("is not whsec_ and base64")
    return key


def id_from_signature(headers: Mapping[str, str]) -> str:
    """How the three headers of Standard Webhooks begin; senders that use Svix may write svix-. Empty without them."""
    return next((begin for begin in ("webhook-", "svix-") if begin + "signature" in headers), "")


def _moment(text: str) -> datetime | None:
    try:
        if text.isascii() and text.isdigit() and len(text) <= 16:
            number = int(text)
            return datetime.fromtimestamp(number / 1000 if number >= FIRST_MILLISECONDS else number, UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else None
