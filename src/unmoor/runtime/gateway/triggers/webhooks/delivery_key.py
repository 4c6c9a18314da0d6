"""By what a delivery is known when it comes again: what its sender says it is, else what is in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from unmoor.runtime.config import Verify

from .payload import WebhookPayload
from .verification import id_from_signature

# By which a sender of its own names a delivery, the same when it sends it again.
GENERIC = ("webhook-id", "svix-id", "Idempotency-Key")
GITHUB = "X-GitHub-Delivery"
# Without a name, the same body is the same delivery for this long: longer than a signed time is believed, before it and
# after, so that a message that somebody kept starts nothing again.
WINDOW_S = 600
PLAIN = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryKey:
    """`id` is shown to people; `name` is the object's in the store, and `before` the one that the same delivery had if
    it came in the window before; empty where the sender names its deliveries."""

    id: str
    name: str
    before: str = ""
    window: timedelta = timedelta(seconds=WINDOW_S)


def key_of(
    verify: Verify | None, headers: Mapping[str, str], event: WebhookPayload, body: bytes, now: datetime
) -> DeliveryKey:
    """The key of a delivery."""
    named = _named(verify.scheme if verify else "none", headers, event, body)
    if named:
        return DeliveryKey(id=named, name=escape_key(named))
    what = hashlib.sha256(body).hexdigest()[:32]
    window_s = max(WINDOW_S, 2 * verify.tolerance_s if verify else 0)
    window = int(now.timestamp()) // window_s
    return DeliveryKey(
        id=f"sha256:{what}",
        name=f"=body-{what}-{window}",
        before=f"=body-{what}-{window - 1}",
        window=timedelta(seconds=window_s),
    )


def escape_key(text: str) -> str:
    """A text as the store's key can hold it; two texts never have one."""
    return text if PLAIN.fullmatch(text) else f"={hashlib.sha256(text.encode(errors='replace')).hexdigest()[:32]}"


def _named(scheme: str, headers: Mapping[str, str], event: WebhookPayload, body: bytes) -> str:
    if scheme == "github":
        return headers.get(GITHUB, "")
    if scheme == "slack":
        # An event's id, or of a command or an interaction the trigger's, which is another one each time.
        return event.text("event_id") or event.text("trigger_id")
    if scheme == "stripe":
        return event.text("id")
    if signature := id_from_signature(headers) if scheme in ("standard-webhooks", "gitlab") else "":
        return headers.get(f"{signature}id", "")  # and not another name, which nobody has signed
    if scheme == "gitlab" and "Idempotency-Key" not in headers and (uuid := headers.get("X-Gitlab-Event-UUID")):
        # Before GitLab 17.4. Events that another hook's work caused have one id, so it does not do alone.
        return f"{uuid}-{hashlib.sha256(body).hexdigest()[:16]}"
    return next((headers[name] for name in GENERIC if headers.get(name)), "")
