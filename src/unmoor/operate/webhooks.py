"""Sends a recorded webhook as its sender would: signed with the trigger's scheme, with a new delivery ID."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

from unmoor.errors import InputError, Problem
from unmoor.plan import Webhook
from unmoor.plan.local_secrets import local_value, missing_secret_problem
from unmoor.runtime.gateway.triggers.webhooks.delivery_key import is_named_by_signature
from unmoor.runtime.gateway.triggers.webhooks.payload import InvalidPayload, parse_payload
from unmoor.runtime.gateway.triggers.webhooks.signatures import sign_headers
from unmoor.runtime.http.error_body import parse_error
from unmoor.runtime.state import keys

from .errors import OperateError
from .gateway_agent import GatewayAgent
from .gateway_client import Reply
from .platform_api import parse_http_date

if TYPE_CHECKING:
    from unmoor.spec.load import Loaded

# The header that names a delivery, by scheme; Slack and Stripe name theirs in the body.
NAMED_BY = {"github": "X-GitHub-Delivery", "standard-webhooks": "webhook-id", "slack": "", "stripe": ""}
JSON = "application/json"
# Hop-by-hop headers, which are not part of the message.
HOP_BY_HOP = ("connection", "content-length", "host", "keep-alive", "te", "transfer-encoding", "upgrade")
# A run this much older than the response existed before the delivery.
JUST_NOW = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedWebhook:
    """A recorded webhook: its trigger's name, body and headers."""

    webhook: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryResult:
    """The result of a delivery: the run's ID and whether it existed before, or why no run started."""

    run: str = ""
    is_old: bool = False
    filtered: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A signed webhook's body and headers; `named` if the gateway can deduplicate it."""

    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    named: bool


def deliver(agent: GatewayAgent, loaded: Loaded, recorded: RecordedWebhook) -> DeliveryResult:
    """Signs and sends a webhook. InputError if the spec has no such webhook, or its secret has no value here."""
    webhook = _webhook(loaded, recorded.webhook)
    signed = sign_delivery(webhook, _secret(loaded, webhook), recorded, now=datetime.now(UTC))
    reply = agent.deliver(webhook.name, signed.body, signed.headers, again=signed.named)
    if reply.status == 401:
        raise OperateError(f"{agent.http.url}: {parse_error(reply.values)[1]}; is the local secret the deployed one?")
    values = agent.http.parse_reply(reply)
    if "filtered" in values:
        return DeliveryResult(filtered=values["filtered"])
    return DeliveryResult(run=values["id"], is_old=_is_old(values["id"], reply))


def sign_delivery(webhook: Webhook, secret: str, recorded: RecordedWebhook, *, now: datetime) -> SignedRequest:
    """The recorded webhook with a current signature, and a new delivery ID if it has none, so that the delivery starts
    a new run. Where the gateway goes by what is signed, a JSON body gets white space at its end, which JSON ignores."""
    headers = {name: value for name, value in recorded.headers if name.lower() not in HOP_BY_HOP}
    by_name = {name.lower(): value for name, value in headers.items()}
    scheme = webhook.verify.scheme if webhook.verify else ""
    name = NAMED_BY.get(scheme, "Idempotency-Key")
    given = by_name.get(name.lower(), "")
    message = given or secrets.token_hex(16)
    content_type = _content_type(recorded.body)
    added = {"Content-Type": content_type, **({name: message} if name else {})}
    # Where the body has the sender's id, it stays as it was recorded.
    is_new_by_body = bool(name) and not given and content_type == JSON and is_named_by_signature(webhook.verify)
    body = recorded.body + (_white_space() if is_new_by_body else b"")
    proof = _proof(webhook, secret, body, at=str(int(now.timestamp())), message=message)
    replaced = {key.lower() for key in proof}
    old = {key: value for key, value in headers.items() if key.lower() not in replaced}
    new = {key: value for key, value in added.items() if key.lower() not in by_name}
    return SignedRequest(body=body, headers={**old, **new, **proof}, named=bool(name))


def _proof(webhook: Webhook, secret: str, body: bytes, *, at: str, message: str) -> dict[str, str]:
    if (verify := webhook.verify) is None:
        return {}
    try:
        return sign_headers(verify, secret, body, at=at, message=message)
    except ValueError as error:
        rule = f"{error}, as {verify.scheme} requires"
        raise InputError([Problem(path=f"secrets.{verify.secret}", rule=rule, remedy="correct its value")]) from None


def _webhook(loaded: Loaded, name: str) -> Webhook:
    webhooks = {webhook.name: webhook for webhook in loaded.plan.webhooks}
    if name in webhooks:
        return webhooks[name]
    near = get_close_matches(name, webhooks, n=1)
    known = f"did you mean {near[0]}?" if near else f"webhooks: {', '.join(webhooks) or 'none'}"
    raise InputError([Problem(path="--hook", rule=f"{loaded.file} has no webhook {name!r}", remedy=known)])


def _secret(loaded: Loaded, webhook: Webhook) -> str:
    if webhook.verify is None:
        return ""
    name = webhook.verify.secret
    secret = next(each for each in loaded.plan.secrets if each.name == name)
    if value := local_value(secret, loaded.file.parent):
        return value
    raise InputError(loaded.with_positions([missing_secret_problem(secret)]))


def _content_type(body: bytes) -> str:
    try:
        parse_payload(JSON, body)
    except InvalidPayload:
        return "application/octet-stream"
    return JSON


def _white_space() -> bytes:
    """White space that no other delivery has: 64 random bits."""
    return bytes(secrets.choice(b" \t") for _ in range(64))


def _is_old(run: str, reply: Reply) -> bool:
    """Whether the run existed before this delivery, by the gateway's clock."""
    answered = parse_http_date(reply.headers.get("date", ""))
    return answered is not None and answered - keys.creation_time(run) > JUST_NOW
