"""Answers webhooks: who sent it, whether it starts a run, and which."""

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
from unmoor.runtime.gateway.triggers.webhooks.delivery_key import DeliveryKey, key_of
from unmoor.runtime.gateway.triggers.webhooks.filters import filter_reason
from unmoor.runtime.gateway.triggers.webhooks.payload import InvalidPayload, WebhookPayload, parse_payload
from unmoor.runtime.gateway.triggers.webhooks.schemes import verify_signature
from unmoor.runtime.gateway.triggers.webhooks.verification import SignatureError, WebhookRequest, decode_whsec
from unmoor.runtime.http.responses import SAFE, HttpError, json_response
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.delivery_log import Delivery, Outcome

from . import requests

# GitHub and GitLab send at most 25 MB, and hardly ever a hundredth of it. What is read is many times larger in memory.
MOST_BODY = 5 * 1024 * 1024
# Anybody can send a body; so that none can fill the memory, of those that are large few are read at one time.
LARGE, LARGE_AT_ONCE, LARGE_WAIT_S = 256 * 1024, 8, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook of the spec's with its trigger and its secret; anybody may send where it has none."""

    trigger: Trigger
    webhook: Webhook
    secret: str = field(repr=False)


def hooks_of(bundle: UnpackedBundle, secrets: Mapping[str, str]) -> dict[str, Hook]:
    """The agent's webhooks by name; ConfigurationFault where a secret is not here, or cannot be one of its scheme."""
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
        raise ConfigurationError(f"trigger {webhook.name}: secret {name} is not here, or empty")
    if scheme == "standard-webhooks" or (scheme == "gitlab" and value.startswith("whsec_")):
        try:
            decode_whsec(value)
        except ValueError as error:
            raise ConfigurationError(f"trigger {webhook.name}: secret {name} {error}, as {scheme} has it") from None
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Everything that POST /hooks/{trigger} needs."""

    hooks: Mapping[str, Hook]
    intake: Intake
    closing: asyncio.Event
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))

    async def answer(self, request: Request) -> Response:
        hook = self.hooks.get(request.path_params["trigger"])
        if hook is None:
            raise HttpError(404, "there is no webhook of that name")
        if self.closing.is_set():
            raise HttpError(503, "the gateway is stopping; try again", retry_after="5")
        try:
            body = await self._proven(hook, request)
        except HttpError as refusal:
            await self._mention(hook, "refused", str(refusal))
            raise
        return await self._answered(hook, request, body)

    async def _proven(self, hook: Hook, request: Request) -> bytes:
        """The body, once it is sure who sent it."""
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise HttpError(415, "the body is compressed; send it as it is")
        body = await self._body(request)
        if hook.webhook.verify is not None:
            sent = WebhookRequest(headers=request.headers, body=body, now=self.intake.clock())
            try:
                verify_signature(hook.webhook.verify, hook.secret, sent)
            except SignatureError as why:
                raise HttpError(401, str(why)) from None
        return body

    async def _body(self, request: Request) -> bytes:
        async with contextlib.AsyncExitStack() as held:

            async def grown(size: int) -> None:
                if size > LARGE and not holds:
                    await self._wait_for_room()
                    holds.append(held.callback(self.large.release))

            holds: list[object] = []
            return await requests.read_body(request, most=MOST_BODY, grown=grown)

    async def _wait_for_room(self) -> None:
        try:
            async with asyncio.timeout(LARGE_WAIT_S):
                await self.large.acquire()
        except TimeoutError:
            raise HttpError(503, "too many large bodies are being read; try again", retry_after="5") from None

    async def _answered(self, hook: Hook, request: Request, body: bytes) -> Response:
        headers, verify = request.headers, hook.webhook.verify
        try:
            event = parse_payload(headers.get("content-type", ""), body)
        except InvalidPayload as why:
            await self._tell(hook, "refused", str(why))
            raise HttpError(400, str(why)) from None
        scheme = verify.scheme if verify else "none"
        if scheme == "slack" and event.text("type") == "url_verification":
            await self._tell(hook, "filtered", "Slack's challenge, which was answered")
            challenge = event.text("challenge").encode(errors="replace")
            return Response(challenge, headers=SAFE, media_type="text/plain")
        key = key_of(verify, headers, event, body, self.intake.clock())
        rule, came = self._passed_over(hook, scheme, headers, event)
        if rule:
            await self._tell(hook, "filtered", rule, came, key)
            return json_response({"filtered": rule})
        return await self._taken(hook, key, event)

    def _passed_over(
        self, hook: Hook, scheme: str, headers: Mapping[str, str], event: WebhookPayload
    ) -> tuple[str, str]:
        """Why it starts nothing, and what came instead. GitHub's ping starts one only where `when` is about events."""
        when = hook.webhook.when
        speaks = any(path.lower() == "header.x-github-event" for path, _ in when)
        if scheme == "github" and headers.get("x-github-event") == "ping" and not speaks:
            return "GitHub's ping, which it sends when a webhook is made", ""
        return filter_reason(when, headers, event, redact=self.intake.redact)

    async def _taken(self, hook: Hook, key: DeliveryKey, event: WebhookPayload) -> Response:
        came = IncomingDelivery(
            trigger=hook.trigger, id=key.id, name=key.name, event=event.value, before=key.before, window=key.window
        )
        taken = await self.intake.ingest(came)
        if taken.outcome == "skipped":
            raise HttpError(429, f"skipped: {taken.reason}", retry_after="30")
        return json_response({"id": taken.run}, 202)

    async def _tell(
        self, hook: Hook, outcome: Outcome, reason: str, came: str = "", key: DeliveryKey | None = None
    ) -> None:
        """Writes down what the sender has proved to have sent; where it need not prove anything, as for anybody."""
        if hook.webhook.verify is None:
            return await self._mention(hook, outcome, reason)
        shown = self.intake.redact(f"{reason}: {came}" if came else reason)
        await self.intake.deliveries.append(
            self._delivery(hook, outcome, shown, self.intake.redact(key.id if key else "")[:LONGEST_ID])
        )

    async def _mention(self, hook: Hook, outcome: Outcome, reason: str) -> None:
        await self.intake.deliveries.append_sampled(self._delivery(hook, outcome, reason))

    def _delivery(self, hook: Hook, outcome: Outcome, reason: str, id: str = "") -> Delivery:
        trigger = hook.trigger
        return Delivery(
            id=id, trigger=trigger.name, kind=trigger.kind, at=self.intake.clock(), outcome=outcome, reason=reason
        )
