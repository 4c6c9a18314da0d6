"""Webhooks as their senders sign them, by the senders' own libraries where there are any."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook
from stripe import WebhookSignature

SECRET = "the-secret-of-these-hooks"
KEY = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, about").decode()


def github(body: bytes, *, secret: str = SECRET, event: str = "issues", delivery: str = "d-1") -> dict[str, str]:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers"""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={signature}",
        "Content-Type": "application/json",
    }


def gitlab(body: bytes, *, secret: str = SECRET, key: str = "k-1") -> dict[str, str]:
    """https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers"""
    return {
        "X-Gitlab-Event": "Issue Hook",
        "X-Gitlab-Token": secret,
        "Idempotency-Key": key,
        "Content-Type": "application/json",
    }


def slack(body: bytes, *, secret: str = SECRET, at: datetime | None = None, form: bool = False) -> dict[str, str]:
    seconds = str(int((at or now()).timestamp()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=seconds, body=body)
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    return {"X-Slack-Request-Timestamp": seconds, "X-Slack-Signature": str(signature), "Content-Type": kind}


def stripe(body: bytes, *, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    seconds = int((at or now()).timestamp())
    signature = WebhookSignature._compute_signature(f"{seconds}.{body.decode()}", secret)
    return {"Stripe-Signature": f"t={seconds},v1={signature},v0=00", "Content-Type": "application/json; charset=utf-8"}


def standard(body: bytes, *, secret: str = KEY, id: str = "msg_1", at: datetime | None = None) -> dict[str, str]:
    at = at or now()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body.decode()),
        "Content-Type": "application/json",
    }


def bearer(body: bytes, *, secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}


def now() -> datetime:
    return datetime.now(UTC)
