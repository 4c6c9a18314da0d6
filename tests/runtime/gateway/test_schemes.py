"""Each way of signing: the senders' own examples and libraries, and what is not signed so."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import senders
from senders import KEY, SECRET
from starlette.datastructures import Headers

from unmoor.runtime.config import Verify
from unmoor.runtime.gateway.triggers.webhooks.schemes import SCHEMES, verify_signature
from unmoor.runtime.gateway.triggers.webhooks.verification import SignatureError, WebhookRequest, decode_whsec
from unmoor.spec.models import VerifySpec

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = b'{"a": 1}'


def verify(scheme: str, **fields: Any) -> Verify:
    base: dict[str, Any] = {"header": "", "algorithm": "", "encoding": "", "prefix": "", "timestamp": "", "payload": ""}
    return Verify(scheme=scheme, secret="s", **{**base, "tolerance_s": 0, **fields})


def why_not(how: Verify, secret: str, headers: dict[str, str], body: bytes = BODY, now: datetime = NOW) -> str:
    """Why it is not believed; empty where it is."""
    try:
        verify_signature(how, secret, WebhookRequest(headers=Headers(headers), body=body, now=now))
    except SignatureError as why:
        return str(why)
    return ""


def test_every_scheme_of_the_language_is_there() -> None:
    assert set(SCHEMES) == set(VerifySpec.model_fields["scheme"].annotation.__args__)  # type: ignore[union-attr]


SLACK = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


# The senders' own examples: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries,
# https://docs.slack.dev/authentication/verifying-requests-from-slack, https://docs.svix.com/receiving/verifying-payloads/how
@pytest.mark.parametrize(
    ("scheme", "secret", "headers", "body", "seconds"),
    [
        (
            "github",
            "It's a Secret to Everybody",
            {"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
            b"Hello, World!",
            0,
        ),
        (
            "slack",
            "8f742231b10e8888abcd99yyyzzz85a5",
            {
                "X-Slack-Request-Timestamp": "1531420618",
                "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            },
            SLACK,
            1531420618,
        ),
        *(
            (
                "standard-webhooks",
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                {
                    f"{begin}-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
                    f"{begin}-timestamp": "1614265330",
                    f"{begin}-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                },
                b'{"test": 2432232314}',
                1614265330,
            )
            for begin in ("webhook", "svix")
        ),
    ],
)
def test_what_the_senders_publish_as_an_example_is_believed(
    scheme: str, secret: str, headers: dict[str, str], body: bytes, seconds: int
) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert why_not(verify(scheme), secret, headers, body, at) == ""
    assert why_not(verify(scheme), secret[:-1] + "A", headers, body, at) != ""
    assert why_not(verify(scheme), secret, headers, body + b" ", at) != ""
    for name in headers:
        others = {k: v for k, v in headers.items() if k != name}
        assert why_not(verify(scheme), secret, others, body, at).endswith("is missing")


SIGNED = {
    "github": (senders.github, SECRET),
    "gitlab": (senders.gitlab, SECRET),
    "slack": (senders.slack, SECRET),
    "stripe": (senders.stripe, SECRET),
    "standard-webhooks": (senders.standard, KEY),
    "bearer": (senders.bearer, SECRET),
}
OTHER_KEY = "whsec_" + base64.b64encode(b"another key").decode()


@pytest.mark.parametrize("scheme", SIGNED)
def test_what_the_senders_libraries_sign_is_believed_and_what_another_secret_signs_is_not(scheme: str) -> None:
    sign, secret = SIGNED[scheme]
    other = OTHER_KEY if secret == KEY else "another secret"
    assert why_not(verify(scheme), secret, sign(BODY, secret=secret), now=senders.now()) == ""
    assert why_not(verify(scheme), secret, sign(BODY, secret=other), now=senders.now()) != ""
    assert why_not(verify(scheme), secret, {}, now=senders.now()).endswith("is missing")


@pytest.mark.parametrize("scheme", ["slack", "stripe", "standard-webhooks"])
@pytest.mark.parametrize(("late_s", "believed"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_signed_time_is_believed_for_five_minutes(scheme: str, late_s: int, believed: bool) -> None:
    sign, secret = SIGNED[scheme]
    why = why_not(verify(scheme), secret, sign(BODY, secret=secret, at=NOW), now=NOW + timedelta(seconds=late_s))
    assert why == ("" if believed else "the signed time is more than 300 s from now: an old message, or a wrong clock")


@pytest.mark.parametrize("scheme", ["slack", "stripe", "standard-webhooks", "github"])
@pytest.mark.parametrize(
    "odd", ["", " ", "x", "v1,", "=", "t=,v1=", "ü", "\x00", "9" * 400, "-1", "1e9", "inf", "v1,ü", "sha256="]
)
def test_odd_headers_are_refused_in_one_line(scheme: str, odd: str) -> None:
    sign, secret = SIGNED[scheme]
    right = sign(BODY, secret=secret)
    for name in right:
        if name.lower() not in ("content-type", "x-github-event", "x-github-delivery"):
            why = why_not(verify(scheme), secret, {**right, name: odd}, now=senders.now())
            assert why
            assert "\n" not in why


def test_while_a_secret_is_changed_one_signature_of_several_is_enough() -> None:
    right, wrong = senders.stripe(BODY)["Stripe-Signature"], "v1=" + "0" * 64
    at, v1, _ = right.split(",")
    assert why_not(verify("stripe"), SECRET, {"Stripe-Signature": f"{at},{wrong},{v1}"}, now=senders.now()) == ""
    assert why_not(verify("stripe"), SECRET, {"Stripe-Signature": f"{at},{wrong}"}, now=senders.now()) != ""
    sent = senders.standard(BODY)
    signature = sent["webhook-signature"]
    for several, believed in (
        (f"v1,AAAA {signature}", True),
        (f"v1a,AAAA {signature}", True),
        ("v1,AAAA v1a,BBBB", False),
    ):
        why = why_not(verify("standard-webhooks"), KEY, {**sent, "webhook-signature": several}, now=senders.now())
        assert (why == "") is believed


def test_a_signature_of_the_same_digest_in_a_version_of_tomorrow_is_not_believed() -> None:
    sent = senders.standard(BODY)
    changed = {**sent, "webhook-signature": sent["webhook-signature"].replace("v1,", "v2,")}
    assert why_not(verify("standard-webhooks"), KEY, changed, now=senders.now()) != ""


def test_gitlabs_signing_token_signs_as_standard_webhooks_has_it_and_its_secret_token_is_not_enough_then() -> None:
    assert why_not(verify("gitlab"), KEY, senders.standard(BODY), now=senders.now()) == ""
    assert why_not(verify("gitlab"), KEY, {"X-Gitlab-Token": KEY}, now=senders.now()) == "webhook-signature is missing"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefix", ["", "sha=", "v1="])
def test_a_signature_of_one_s_own_is_as_the_spec_says(algorithm: str, encoding: str, prefix: str) -> None:
    mac = hmac.new(SECRET.encode(), BODY, algorithm).digest()
    text = mac.hex() if encoding == "hex" else base64.b64encode(mac).decode()
    how = verify("hmac", header="X-Sig", algorithm=algorithm, encoding=encoding, prefix=prefix)
    assert why_not(how, SECRET, {"x-sig": prefix + text}) == ""
    assert why_not(how, SECRET, {"x-sig": f"{prefix}AAAA, {prefix}{text}"}) == ""
    assert why_not(how, SECRET, {"x-sig": "other=" + text}) != ""
    if prefix:
        assert why_not(how, SECRET, {"x-sig": text}) != ""
    if encoding == "hex":
        assert why_not(how, SECRET, {"x-sig": prefix + text.upper()}) == ""


TIMED = {"header": "X-Sig", "algorithm": "sha256", "encoding": "hex", "timestamp": "X-At", "tolerance_s": 60}


@pytest.mark.parametrize(
    "payload", ["{timestamp}.{body}", "v0:{timestamp}:{body}", "{body}{timestamp}", "{timestamp}\n{timestamp}{body}"]
)
@pytest.mark.parametrize(
    ("text", "believed"),
    [
        ("1772366400", True),
        ("1772366460", True),
        ("1772366461", False),
        ("1772366339", False),
        ("1772366400123", True),
        ("2026-03-01T12:00:30Z", True),
        ("2026-03-01T13:00:30+01:00", True),
        ("2026-03-01T13:00:30Z", False),
        ("2026-03-01T12:00:30", False),
        ("yesterday", False),
    ],
)
def test_a_time_that_is_signed_with_the_body_bounds_how_long_a_message_is_believed(
    payload: str, text: str, believed: bool
) -> None:
    signed = payload.replace("{timestamp}", text).encode().replace(b"{body}", BODY)
    headers = {"X-At": text, "X-Sig": hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()}
    how = verify("hmac", **TIMED, payload=payload)
    assert (why_not(how, SECRET, headers) == "") is believed
    assert why_not(how, SECRET, {**headers, "X-At": "1772366401"}) != ""
    assert why_not(how, SECRET, {"X-Sig": headers["X-Sig"]}) == "X-At is missing"


def test_a_body_that_looks_like_the_template_is_signed_as_it_is() -> None:
    body = b"{timestamp}{body}"
    signature = hmac.new(SECRET.encode(), b"1772366400." + body, hashlib.sha256).hexdigest()
    how = verify("hmac", **TIMED, payload="{timestamp}.{body}")
    assert why_not(how, SECRET, {"X-At": "1772366400", "X-Sig": signature}, body) == ""


@pytest.mark.parametrize(
    "shown", ["Bearer", "Basic " + SECRET, SECRET, "Bearer " + SECRET[:-1], "Bearer ü", "Bearer  "]
)
def test_a_bearer_is_the_whole_secret(shown: str) -> None:
    assert why_not(verify("bearer"), SECRET, {"Authorization": shown}) == "Authorization is not Bearer with the secret"


@pytest.mark.parametrize("text", ["whsec_YW5vdGhlciBrZXkh", "YW5vdGhlciBrZXk=", "whsec_YW5vdGhlciBrZXk"])
def test_a_secret_may_lack_its_prefix_and_its_padding_as_the_official_verifiers_take_it(text: str) -> None:
    assert decode_whsec(text).startswith(b"another key")


@pytest.mark.parametrize("text", ["", "whsec_", "not base64!", "whsec_ü", "whsec_YW5vd"])
def test_what_is_no_key_is_known_before_anything_is_signed_with_it(text: str) -> None:
    with pytest.raises(ValueError, match="is not whsec_ and base64"):
        decode_whsec(text)
