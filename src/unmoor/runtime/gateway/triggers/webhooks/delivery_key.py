"""The key by which a redelivery is recognized: the sender's id if it is signed, or else a digest of what is signed.

An id that is not signed can be replaced by whoever captured a request, and a content type by which a body is read. So
with a signature, no other id and no other content type makes a request with the same signed content a new one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from unmoor.runtime.config import Verify
from unmoor.runtime.state.dedup import DeliveryKey

from .payload import WebhookPayload
from .verification import id_from_signature

# Headers in which senders of no named scheme give a delivery's id.
GENERIC = ("webhook-id", "svix-id", "Idempotency-Key")
GITHUB = "X-GitHub-Delivery"
# Without an id, the same body is the same delivery for this long: twice the tolerance of a signed time, so that a
# recorded message cannot start a second run.
WINDOW_S = 600
# Schemes whose ids are read from the signed body, as its content type says, which is not signed.
IN_BODY = ("slack", "stripe")
PLAIN = re.compile(r"[A-Za-z0-9._-]{1,100}")


def key_of(
    verify: Verify | None, headers: Mapping[str, str], event: WebhookPayload, body: bytes, now: datetime
) -> DeliveryKey:
    given = _sender_id(verify.scheme if verify else "none", headers, event, body)
    signed = _signed_name(verify, headers, body)
    if given and verify and verify.scheme == "github":
        return DeliveryKey(id=given, name=signed)  # its redelivery has the same body
    if given:
        return DeliveryKey(id=given, name=escape_key(given), signed=signed)
    if is_named_by_signature(verify):
        return DeliveryKey(id=_body_id(body), name=signed)
    return _by_body_and_time(verify, body, now, signed)


def is_named_by_signature(verify: Verify | None) -> bool:
    """Whether what is signed names a delivery of this scheme that has no signed id: its body, without a time."""
    if verify is None:
        return False
    return verify.scheme in ("github", *IN_BODY) or (verify.scheme == "hmac" and not verify.timestamp)


def _by_body_and_time(verify: Verify | None, body: bytes, now: datetime, signed: str) -> DeliveryKey:
    """The same body is the same delivery for a while: nothing else tells two of its deliveries apart."""
    body_digest = hashlib.sha256(body).hexdigest()[:32]
    window_s = max(WINDOW_S, 2 * verify.tolerance_s if verify else 0)
    window = int(now.timestamp()) // window_s
    return DeliveryKey(
        id=_body_id(body),
        name=f"=body-{body_digest}-{window}",
        signed=signed,
        before=f"=body-{body_digest}-{window - 1}",
        window=timedelta(seconds=window_s),
    )


def _signed_name(verify: Verify | None, headers: Mapping[str, str], body: bytes) -> str:
    """The name of what is signed; empty where that has the sender's id, or where nothing is signed."""
    if verify is None or verify.scheme not in ("github", "hmac", *IN_BODY):
        return ""
    signed_time = headers.get(verify.timestamp, "") if verify.timestamp else ""
    digest = hashlib.sha256(f"{signed_time}\n".encode(errors="replace") + body).hexdigest()
    return f"=signed-{digest[:32]}"


def _body_id(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()[:32]}"


def escape_key(text: str) -> str:
    """The text in a form that a store key can hold; different texts stay different."""
    return text if PLAIN.fullmatch(text) else f"={hashlib.sha256(text.encode(errors='replace')).hexdigest()[:32]}"


def _sender_id(scheme: str, headers: Mapping[str, str], event: WebhookPayload, body: bytes) -> str:
    if scheme == "github":
        return headers.get(GITHUB, "")
    if scheme == "slack":
        # Events have an id; commands and interactions have a trigger id, which differs each time.
        return event.text("event_id") or event.text("trigger_id")
    if scheme == "stripe":
        return event.text("id")
    if signature := id_from_signature(headers) if scheme in ("standard-webhooks", "gitlab") else "":
        return headers.get(f"{signature}id", "")  # no other header is signed
    if scheme == "gitlab" and "Idempotency-Key" not in headers and (uuid := headers.get("X-Gitlab-Event-UUID")):
        # Before GitLab 17.4. Several events of one cause share the id, so it is not enough alone.
        return f"{uuid}-{hashlib.sha256(body).hexdigest()[:16]}"
    return next((headers[name] for name in GENERIC if headers.get(name)), "")
