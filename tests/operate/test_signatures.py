"""What we send is proved as what a sender sends: by our own check, and by the senders' libraries."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from senders import KEY, SECRET
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook as StandardWebhook
from starlette.datastructures import Headers
from stripe import WebhookSignature

from unmoor.errors import InputError
from unmoor.operate.webhooks import RecordedWebhook, SignedRequest, sign_delivery
from unmoor.plan import Verify, Webhook
from unmoor.runtime.gateway.triggers.webhooks.schemes import SCHEMES, verify_signature
from unmoor.runtime.gateway.triggers.webhooks.signatures import SENDERS
from unmoor.runtime.gateway.triggers.webhooks.verification import WebhookRequest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = b'{"a": 1}'
EMPTY: dict[str, Any] = {
    "header": "",
    "algorithm": "",
    "encoding": "",
    "prefix": "",
    "timestamp": "",
    "payload": "",
    "tolerance_s": 0,
}
OWN = {**EMPTY, "header": "X-Signature", "algorithm": "sha512", "encoding": "hex", "prefix": "v0="}
TIMED = {**OWN, "encoding": "base64", "timestamp": "X-At", "payload": "v0:{timestamp}:{body}:", "tolerance_s": 60}
WAYS = [
    ("github", SECRET, EMPTY),
    ("gitlab", SECRET, EMPTY),
    ("gitlab", KEY, EMPTY),
    ("slack", SECRET, EMPTY),
    ("stripe", SECRET, EMPTY),
    ("standard-webhooks", KEY, EMPTY),
    ("hmac", SECRET, OWN),
    ("hmac", SECRET, TIMED),
    ("bearer", SECRET, EMPTY),
]


def sent(scheme: str, secret: str = SECRET, **more: Any) -> Any:
    return signed(scheme, secret, **more).headers


def signed(scheme: str, secret: str = SECRET, *, body: bytes = BODY, more: Any = EMPTY, **given: str) -> SignedRequest:
    webhook = Webhook(name="w", prompt="", verify=Verify(scheme=scheme, secret="s", **more), when=())
    headers = tuple((name.replace("_", "-"), value) for name, value in given.items())
    return sign_delivery(webhook, secret, RecordedWebhook(webhook="w", body=body, headers=headers), now=NOW)


def test_every_scheme_can_be_sent() -> None:
    assert set(SENDERS) == set(SCHEMES)


@pytest.mark.parametrize(("scheme", "secret", "more"), WAYS)
@given(body=st.binary(max_size=40))
def test_what_is_sent_is_believed(scheme: str, secret: str, more: dict[str, Any], body: bytes) -> None:
    request = signed(scheme, secret, body=body, more=more)
    came = WebhookRequest(headers=Headers(request.headers), body=request.body, now=NOW)
    verify_signature(Verify(scheme=scheme, secret="s", **more), secret, came)


def test_the_senders_libraries_believe_it() -> None:
    slack = sent("slack")
    at = slack["X-Slack-Request-Timestamp"]
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=at, body=BODY)
    assert slack["X-Slack-Signature"] == signature
    assert WebhookSignature.verify_header(BODY.decode(), sent("stripe")["Stripe-Signature"], SECRET)
    standard = sent("standard-webhooks", KEY, webhook_id="msg_9")
    assert standard["webhook-signature"] == StandardWebhook(KEY).sign("msg_9", NOW, BODY.decode())


def test_a_recorded_proof_is_replaced_in_whatever_case_it_was_written() -> None:
    headers = sent("slack", x_slack_signature="v0=old", X_SLACK_REQUEST_TIMESTAMP="1", X_Other="kept")
    assert {name.lower() for name in headers} == {
        "content-type",
        "x-other",
        "x-slack-request-timestamp",
        "x-slack-signature",
    }
    assert headers["X-Slack-Request-Timestamp"] == str(int(NOW.timestamp()))


def test_a_delivery_without_a_name_is_given_a_new_one_each_time() -> None:
    first, second = (sent("github")["X-GitHub-Delivery"] for _ in range(2))
    assert first != second
    assert sent("github", X_GitHub_Delivery="d-7")["X-GitHub-Delivery"] == "d-7"
    assert "Idempotency-Key" in sent("bearer")


@pytest.mark.parametrize(("scheme", "more"), [("github", EMPTY), ("hmac", OWN)])
def test_where_the_signature_names_a_delivery_its_json_is_new_each_time_and_says_the_same(scheme, more) -> None:
    first, second = (signed(scheme, more=more).body for _ in range(2))
    assert first != second
    assert json.loads(first) == json.loads(second) == json.loads(BODY)
    assert signed(scheme, body=b"a=1", more=more).body == b"a=1"
    assert signed("github", X_GitHub_Delivery="d-7").body == BODY


@pytest.mark.parametrize(("scheme", "secret", "more"), [("slack", SECRET, EMPTY), ("hmac", SECRET, TIMED)])
def test_any_other_body_is_sent_as_it_was_recorded(scheme: str, secret: str, more: dict[str, Any]) -> None:
    assert signed(scheme, secret, more=more).body == BODY


def test_what_belongs_to_the_connection_is_left_out() -> None:
    assert set(sent("bearer", Host="old.example", content_length="7")) == {
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
    }


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b'{"a": 1}', "application/json"), (b"", "application/json"), (b"a=1&b=2", "application/octet-stream")],
)
def test_the_type_of_a_body_is_what_it_is_unless_a_header_says_so(body: bytes, kind: str) -> None:
    assert sent("bearer", body=body)["Content-Type"] == kind
    assert sent("bearer", body=body, content_type="text/x")["content-type"] == "text/x"


def test_a_secret_that_cannot_be_one_is_named_and_not_shown() -> None:
    with pytest.raises(InputError) as raised:
        sent("standard-webhooks", "no base64!")
    assert str(raised.value) == "secrets.s: is not whsec_ and base64, as standard-webhooks requires; correct its value"
