"""Signatures of each scheme, for both senders and verification."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from unmoor.runtime.config import Verify

from .verification import decode_whsec, digest


def github(secret: str, body: bytes) -> str:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"""
    return "sha256=" + digest(secret.encode(), body).hex()


def slack(secret: str, at: str, body: bytes) -> str:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    return "v0=" + digest(secret.encode(), f"v0:{at}:".encode() + body).hex()


def stripe(secret: str, at: str, body: bytes) -> str:
    """https://docs.stripe.com/webhooks?verify=verify-manually"""
    return digest(secret.encode(), f"{at}.".encode() + body).hex()


def standard_webhooks(secret: str, message: str, at: str, body: bytes) -> str:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    return "v1," + base64.b64encode(digest(decode_whsec(secret), f"{message}.{at}.".encode() + body)).decode()


def custom_hmac(verify: Verify, secret: str, at: str, body: bytes) -> str:
    """The signature by the spec's digest, encoding and signed time, without the prefix."""
    signed = body
    if verify.timestamp:
        before, _, after = verify.payload.partition("{body}")
        signed = before.replace("{timestamp}", at).encode() + body + after.replace("{timestamp}", at).encode()
    mac = digest(secret.encode(), signed, verify.algorithm)
    return mac.hex() if verify.encoding == "hex" else base64.b64encode(mac).decode()


def sign_headers(verify: Verify, secret: str, body: bytes, *, at: str, message: str) -> dict[str, str]:
    """The headers that sign a body; `at` is the time in seconds, `message` the delivery's id.

    ValueError where the secret is malformed for its scheme.
    """
    return SENDERS[verify.scheme](verify, secret, body, at, message)


def _hmac(verify: Verify, secret: str, body: bytes, at: str) -> dict[str, str]:
    signature = {verify.header: verify.prefix + custom_hmac(verify, secret, at, body)}
    return {**signature, verify.timestamp: at} if verify.timestamp else signature


def _standard(secret: str, body: bytes, at: str, message: str) -> dict[str, str]:
    signature = standard_webhooks(secret, message, at, body)
    return {"webhook-id": message, "webhook-timestamp": at, "webhook-signature": signature}


def _gitlab(secret: str, body: bytes, at: str, message: str) -> dict[str, str]:
    return _standard(secret, body, at, message) if secret.startswith("whsec_") else {"X-Gitlab-Token": secret}


Sender = Callable[[Verify, str, bytes, str, str], dict[str, str]]
SENDERS: Mapping[str, Sender] = {
    "github": lambda v, secret, body, at, m: {"X-Hub-Signature-256": github(secret, body)},
    "gitlab": lambda v, secret, body, at, m: _gitlab(secret, body, at, m),
    "slack": lambda v, secret, body, at, m: {
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": slack(secret, at, body),
    },
    "stripe": lambda v, secret, body, at, m: {"Stripe-Signature": f"t={at},v1={stripe(secret, at, body)}"},
    "standard-webhooks": lambda v, secret, body, at, m: _standard(secret, body, at, m),
    "hmac": lambda v, secret, body, at, m: _hmac(v, secret, body, at),
    "bearer": lambda v, secret, body, at, m: {"Authorization": f"Bearer {secret}"},
}
