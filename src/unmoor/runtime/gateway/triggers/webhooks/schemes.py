"""Verifies webhook signatures: one function for each scheme, over the raw body, which raises SignatureError."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from unmoor.runtime.config import Verify

from . import signatures
from .verification import (
    SignatureError,
    WebhookRequest,
    check_timestamp,
    constant_time_equal,
    expect_one,
    id_from_signature,
)

Scheme = Callable[[Verify, str, WebhookRequest], None]


def verify_signature(verify: Verify, secret: str, request: WebhookRequest) -> None:
    """Verifies the request by the spec's scheme; SignatureError where that fails."""
    SCHEMES[verify.scheme](verify, secret, request)


def github(verify: Verify, secret: str, request: WebhookRequest) -> None:
    given = request.header("X-Hub-Signature-256")
    expect_one([given.lower()], signatures.github(secret, request.body))


def gitlab(verify: Verify, secret: str, request: WebhookRequest) -> None:
    """A secret token is sent in a header; a signing token, which starts with whsec_, signs as Standard Webhooks.

    https://docs.gitlab.com/user/project/integrations/webhooks/
    """
    if secret.startswith("whsec_"):
        return standard_webhooks(verify, secret, request)
    if not constant_time_equal(request.header("X-Gitlab-Token"), secret):
        raise SignatureError("X-Gitlab-Token does not match the secret")


def slack(verify: Verify, secret: str, request: WebhookRequest) -> None:
    at, given = request.header("X-Slack-Request-Timestamp"), request.header("X-Slack-Signature")
    check_timestamp(at, request.now)
    expect_one([given], signatures.slack(secret, at, request.body))


def stripe(verify: Verify, secret: str, request: WebhookRequest) -> None:
    parts = [part.strip().partition("=") for part in request.header("Stripe-Signature").split(",")]
    at = next((value for name, _, value in parts if name == "t"), "")
    check_timestamp(at, request.now)
    given = [value for name, _, value in parts if name == "v1"]
    expect_one(given, signatures.stripe(secret, at, request.body))


def standard_webhooks(verify: Verify, secret: str, request: WebhookRequest) -> None:
    """Standard Webhooks and Svix: https://docs.svix.com/receiving/verifying-payloads/how-manual"""
    prefix = id_from_signature(request.headers)
    if not prefix:
        raise SignatureError("webhook-signature is missing")
    message, at, given = (request.header(prefix + name) for name in ("id", "timestamp", "signature"))
    check_timestamp(at, request.now)
    expect_one(given.split(), signatures.standard_webhooks(secret, message, at, request.body))


def custom_hmac(verify: Verify, secret: str, request: WebhookRequest) -> None:
    """The header, digest, encoding, prefix and signed time of the spec; the header may hold several signatures."""
    given = [text.removeprefix(verify.prefix) for text in _candidates(request.header(verify.header), verify.prefix)]
    at = request.header(verify.timestamp) if verify.timestamp else ""
    if at:
        check_timestamp(at, request.now, verify.tolerance_s)
    expected = signatures.custom_hmac(verify, secret, at, request.body)
    if verify.encoding == "hex":
        return expect_one((text.lower() for text in given), expected)
    expect_one((text.rstrip("=") for text in given), expected.rstrip("="))


def bearer(verify: Verify, secret: str, request: WebhookRequest) -> None:
    scheme, _, token = request.header("Authorization").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_equal(token.strip(), secret):
        raise SignatureError("Authorization is not Bearer with the secret")


def _candidates(text: str, prefix: str) -> list[str]:
    """The signatures in a header, separated by commas or spaces."""
    found = [text, *text.replace(",", " ").split()]
    return [one for one in found if one.startswith(prefix)]


SCHEMES: Mapping[str, Scheme] = {
    "github": github,
    "gitlab": gitlab,
    "slack": slack,
    "stripe": stripe,
    "standard-webhooks": standard_webhooks,
    "hmac": custom_hmac,
    "bearer": bearer,
}
