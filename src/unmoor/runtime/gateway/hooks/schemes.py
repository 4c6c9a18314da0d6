"""Whether a webhook comes from whom it should: a function for each way of signing, over the raw body.

Each returns where the sender is proved and raises Unproven where it is not.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from unmoor.runtime.config import Verify

from .signing import Sent, Unproven, digest, expect_one, in_time, named_by_signature, same, whsec

Scheme = Callable[[Verify, str, Sent], None]


def prove(verify: Verify, secret: str, sent: Sent) -> None:
    """Checks the sender by the spec's scheme."""
    SCHEMES[verify.scheme](verify, secret, sent)


def github(verify: Verify, secret: str, sent: Sent) -> None:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"""
    given = sent.header("X-Hub-Signature-256")
    expect_one([given.lower()], "sha256=" + digest(secret.encode(), sent.body).hex())


def gitlab(verify: Verify, secret: str, sent: Sent) -> None:
    """A secret token comes as it is, and a signing token, which begins with whsec_, signs as Standard Webhooks has it.

    https://docs.gitlab.com/user/project/integrations/webhooks/
    """
    if secret.startswith("whsec_"):
        return standard_webhooks(verify, secret, sent)
    if not same(sent.header("X-Gitlab-Token"), secret):
        raise Unproven("X-Gitlab-Token is not the secret")


def slack(verify: Verify, secret: str, sent: Sent) -> None:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    at, given = sent.header("X-Slack-Request-Timestamp"), sent.header("X-Slack-Signature")
    in_time(at, sent.now)
    expect_one([given], "v0=" + digest(secret.encode(), f"v0:{at}:".encode() + sent.body).hex())


def stripe(verify: Verify, secret: str, sent: Sent) -> None:
    """https://docs.stripe.com/webhooks?verify=verify-manually"""
    parts = [part.strip().partition("=") for part in sent.header("Stripe-Signature").split(",")]
    at = next((value for name, _, value in parts if name == "t"), "")
    in_time(at, sent.now)
    given = [value for name, _, value in parts if name == "v1"]
    expect_one(given, digest(secret.encode(), f"{at}.".encode() + sent.body).hex())


def standard_webhooks(verify: Verify, secret: str, sent: Sent) -> None:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md and
    https://docs.svix.com/receiving/verifying-payloads/how-manual"""
    begin = named_by_signature(sent.headers)
    if not begin:
        raise Unproven("webhook-signature is missing")
    message, at, given = (sent.header(begin + name) for name in ("id", "timestamp", "signature"))
    in_time(at, sent.now)
    signed = digest(whsec(secret), f"{message}.{at}.".encode() + sent.body)
    expect_one(given.split(), "v1," + base64.b64encode(signed).decode())


def hmac_of_ones_own(verify: Verify, secret: str, sent: Sent) -> None:
    """What the spec says of header, digest, encoding, prefix and signed time; several signatures may come at once."""
    given = [text.removeprefix(verify.prefix) for text in _several(sent.header(verify.header), verify.prefix)]
    signed = sent.body
    if verify.timestamp:
        at = sent.header(verify.timestamp)
        in_time(at, sent.now, verify.tolerance_s)
        before, _, after = verify.payload.partition("{body}")
        signed = before.replace("{timestamp}", at).encode() + sent.body + after.replace("{timestamp}", at).encode()
    mac = digest(secret.encode(), signed, verify.algorithm)
    if verify.encoding == "hex":
        return expect_one((text.lower() for text in given), mac.hex())
    expect_one((text.rstrip("=") for text in given), base64.b64encode(mac).decode().rstrip("="))


def bearer(verify: Verify, secret: str, sent: Sent) -> None:
    scheme, _, shown = sent.header("Authorization").partition(" ")
    if scheme.lower() != "bearer" or not same(shown.strip(), secret):
        raise Unproven("Authorization is not Bearer and the secret")


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
    "hmac": hmac_of_ones_own,
    "bearer": bearer,
}
