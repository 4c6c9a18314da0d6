"""Whether a webhook comes from whom it should: a function for each way of signing, over the raw body.

Each returns where the sender is proved and raises Unproven where it is not.
"""

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


def verify_signature(verify: Verify, secret: str, sent: WebhookRequest) -> None:
    """Checks the sender by the spec's scheme."""
    SCHEMES[verify.scheme](verify, secret, sent)


def github(verify: Verify, secret: str, sent: WebhookRequest) -> None:
    given = sent.header("X-Hub-Signature-256")
    expect_one([given.lower()], signatures.github(secret, sent.body))


def gitlab(verify: Verify, secret: str, sent: WebhookRequest) -> None:
    """A secret token comes as it is, and a signing token, which begins with whsec_, signs as Standard Webhooks has it.

    https://docs.gitlab.com/user/project/integrations/webhooks/
    """
    if secret.startswith("whsec_"):
        return standard_webhooks(verify, secret, sent)
    if not constant_time_equal(sent.header("X-Gitlab-Token"), secret):
        raise SignatureError("X-Gitlab-Token is not the secret")


def slack(verify: Verify, secret: str, sent: WebhookRequest) -> None:
    at, given = sent.header("X-Slack-Request-Timestamp"), sent.header("X-Slack-Signature")
    check_timestamp(at, sent.now)
    expect_one([given], signatures.slack(secret, at, sent.body))


def stripe(verify: Verify, secret: str, sent: WebhookRequest) -> None:
    parts = [part.strip().partition("=") for part in sent.header("Stripe-Signature").split(",")]
    at = next((value for name, _, value in parts if name == "t"), "")
    check_timestamp(at, sent.now)
    given = [value for name, _, value in parts if name == "v1"]
    expect_one(given, signatures.stripe(secret, at, sent.body))


def standard_webhooks(verify: Verify, secret: str, sent: WebhookRequest) -> None:
    """As its specification has it, and Svix: https://docs.svix.com/receiving/verifying-payloads/how-manual"""
    begin = id_from_signature(sent.headers)
    if not begin:
        raise SignatureError("webhook-signature is missing")
    message, at, given = (sent.header(begin + name) for name in ("id", "timestamp", "signature"))
    check_timestamp(at, sent.now)
    expect_one(given.split(), signatures.standard_webhooks(secret, message, at, sent.body))


def custom_hmac(verify: Verify, secret: str, sent: WebhookRequest) -> None:
    """What the spec says of header, digest, encoding, prefix and signed time; several signatures may come at once."""
    given = [text.removeprefix(verify.prefix) for text in _several(sent.header(verify.header), verify.prefix)]
    at = sent.header(verify.timestamp) if verify.timestamp else ""
    if at:
        check_timestamp(at, sent.now, verify.tolerance_s)
    expected = signatures.custom_hmac(verify, secret, at, sent.body)
    if verify.encoding == "hex":
        return expect_one((text.lower() for text in given), expected)
    expect_one((text.rstrip("=") for text in given), expected.rstrip("="))


def bearer(verify: Verify, secret: str, sent: WebhookRequest) -> None:
    scheme, _, shown = sent.header("Authorization").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_equal(shown.strip(), secret):
        raise SignatureError("Authorization is not Bearer and the secret")


def _several(text: str, prefix: str) -> list[str]:
    """The signatures of a header, of which none has a comma or a space in it."""
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
