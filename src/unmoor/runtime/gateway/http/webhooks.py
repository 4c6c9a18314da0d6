"""Answers webhooks: verifies the sender, applies the filters, and accepts a run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.config import Trigger, Webhook
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.gateway.triggers.intake import LONGEST_ID, IncomingDelivery, Intake
from unmoor.runtime.gateway.triggers.webhooks.delivery_key import key_of
from unmoor.runtime.gateway.triggers.webhooks.filters import filter_reason
from unmoor.runtime.gateway.triggers.webhooks.payload import InvalidPayload, WebhookPayload, parse_payload
from unmoor.runtime.gateway.triggers.webhooks.schemes import verify_signature
from unmoor.runtime.gateway.triggers.webhooks.verification import SignatureError, WebhookRequest, decode_whsec
from unmoor.runtime.http.responses import SAFE, HttpError, json_response
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.dedup import DeliveryKey
from unmoor.runtime.state.delivery_log import Delivery, Outcome

from . import requests

# GitHub and GitLab send at most 25 MB, and rarely a hundredth of it. A parsed body takes many times its size in memory.
MOST_BODY = 5 * 1024 * 1024
# Anyone can send a body: only a few large ones are read at a time, so that they cannot fill the memory.
LARGE, LARGE_AT_ONCE, LARGE_WAIT_S = 256 * 1024, 8, 10.0
# How long a run's start may delay the answer. GitHub and GitLab wait 10 s for it, Slack 3 s:
# https://docs.github.com/webhooks/using-webhooks/best-practices-for-using-webhooks
# https://docs.gitlab.com/administration/instance_limits/#webhook-timeout
# https://docs.slack.dev/apis/events-api/#responding
START_S_BY_SCHEME, OTHERS_START_S = {"github": 8.0, "gitlab": 8.0, "slack": 2.0}, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook of the spec with its trigger and its secret, which is empty where anyone may send."""

    trigger: Trigger
    webhook: Webhook
    secret: str = field(repr=False)


def hooks_of(bundle: UnpackedBundle, secrets: Mapping[str, str]) -> dict[str, Hook]:
    """The agent's webhooks by name; ConfigurationError for a secret that is missing or malformed."""
    triggers = {trigger.name: trigger for trigger in bundle.agent.triggers}
    return {
        webhook.name: Hook(trigger=triggers[webhook.name], webhook=webhook, secret=_secret(webhook, secrets))
        for webhook in bundle.agent.webhooks
    }


def _secret(webhook: Webhook, secrets: Mapping[str, str]) -> str:
    if webhook.verify is None:
        return ""
    name, scheme = webhook.verify.secret, webhook.verify.scheme
    value = secrets.get(name, "")
    if not value.strip():
        raise ConfigurationError(f"trigger {webhook.name}: secret {name} is missing or empty")
    if scheme == "standard-webhooks" or (scheme == "gitlab" and value.startswith("whsec_")):
        try:
            decode_whsec(value)
        except ValueError as error:
            raise ConfigurationError(f"trigger {webhook.name}: secret {name} {error}, as {scheme} requires") from None
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """The handler of POST /hooks/{trigger}."""

    hooks: Mapping[str, Hook]
    intake: Intake
    closing: asyncio.Event
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))

    async def handle(self, request: Request) -> Response:
        hook = self.hooks.get(request.path_params["trigger"])
        if hook is None:
            raise HttpError(404, "no webhook trigger has this name")
        if self.closing.is_set():
            raise HttpError(503, "the gateway is stopping; try again", retry_after="5")
        try:
            body = await self._verified_body(hook, request)
        except HttpError as error:
            await self._log_unverified(hook, "refused", str(error))
            raise
        return await self._handle(hook, request, body)

    async def _verified_body(self, hook: Hook, request: Request) -> bytes:
        """The body, once its sender is verified."""
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise HttpError(415, "the body is compressed; send it without Content-Encoding")
        body = await self._body(request)
        if hook.webhook.verify is not None:
            signed = WebhookRequest(headers=request.headers, body=body, now=self.intake.clock())
            try:
                verify_signature(hook.webhook.verify, hook.secret, signed)
            except SignatureError as error:
                raise HttpError(401, str(error)) from None
        return body

    async def _body(self, request: Request) -> bytes:
        async with contextlib.AsyncExitStack() as held:

            async def on_growth(size: int) -> None:
                if size > LARGE and not slots:
                    await self._acquire_large_slot()
                    slots.append(held.callback(self.large.release))

            slots: list[object] = []
            return await requests.read_body(request, most=MOST_BODY, on_growth=on_growth)

    async def _acquire_large_slot(self) -> None:
        try:
            async with asyncio.timeout(LARGE_WAIT_S):
                await self.large.acquire()
        except TimeoutError:
            raise HttpError(503, "too many large bodies are being read; try again", retry_after="5") from None

    async def _handle(self, hook: Hook, request: Request, body: bytes) -> Response:
        headers, verify = request.headers, hook.webhook.verify
        try:
            payload = parse_payload(headers.get("content-type", ""), body)
        except InvalidPayload as error:
            await self._log(hook, "refused", str(error))
            raise HttpError(400, str(error)) from None
        scheme = verify.scheme if verify else "none"
        if scheme == "slack" and payload.text("type") == "url_verification":
            await self._log(hook, "filtered", "Slack's URL verification, answered with its challenge")
            challenge = payload.text("challenge").encode(errors="replace")
            return Response(challenge, headers=SAFE, media_type="text/plain")
        key = key_of(verify, headers, payload, body, self.intake.clock())
        rule, found = self._filter_reason(hook, scheme, headers, payload)
        if rule:
            await self._log(hook, "filtered", rule, found, key)
            return json_response({"filtered": rule})
        incoming = IncomingDelivery(
            trigger=hook.trigger, key=key, event=payload.value, start_s=START_S_BY_SCHEME.get(scheme, OTHERS_START_S)
        )
        delivery = await self.intake.ingest(incoming)
        if delivery.outcome == "skipped":
            raise HttpError(429, f"skipped: {delivery.reason}", retry_after="30")
        return json_response({"id": delivery.run}, 202)

    def _filter_reason(
        self, hook: Hook, scheme: str, headers: Mapping[str, str], payload: WebhookPayload
    ) -> tuple[str, str]:
        """The rule that filters the delivery, and the value found. GitHub's ping is filtered, unless `when` is about
        events."""
        when = hook.webhook.when
        about_events = any(path.lower() == "header.x-github-event" for path, _ in when)
        if scheme == "github" and headers.get("x-github-event") == "ping" and not about_events:
            return "GitHub's ping, sent when a webhook is created", ""
        return filter_reason(when, headers, payload, redact=self.intake.redact)

    async def _log(
        self, hook: Hook, outcome: Outcome, reason: str, found: str = "", key: DeliveryKey | None = None
    ) -> None:
        """Logs a delivery that starts no run; where its sender is not verified, only a sample."""
        if hook.webhook.verify is None:
            return await self._log_unverified(hook, outcome, reason)
        text = self.intake.redact(f"{reason}: {found}" if found else reason)
        delivery_id = self.intake.redact(key.id if key else "")[:LONGEST_ID]
        await self.intake.deliveries.append(self._delivery(hook, outcome, text, delivery_id))

    async def _log_unverified(self, hook: Hook, outcome: Outcome, reason: str) -> None:
        await self.intake.deliveries.append_sampled(self._delivery(hook, outcome, reason))

    def _delivery(self, hook: Hook, outcome: Outcome, reason: str, id: str = "") -> Delivery:
        trigger = hook.trigger
        return Delivery(
            id=id, trigger=trigger.name, kind=trigger.kind, at=self.intake.clock(), outcome=outcome, reason=reason
        )
