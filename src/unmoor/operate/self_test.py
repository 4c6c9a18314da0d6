"""A run that proves the way from a webhook to a run's end, and costs no more than its container's few seconds."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from unmoor.findings import Finding, failure, note, ok
from unmoor.runtime.events import FINAL_STATUSES
from unmoor.runtime.gateway.triggers.webhooks.signatures import sign_headers
from unmoor.runtime.self_test_trigger import NAME, VERIFY

from .errors import NoSuchRun, RejectedByGateway
from .gateway_agent import GatewayAgent

TOPIC = "self-test"
BODY = b"{}"


@dataclass(slots=True, kw_only=True)
class SelfTest:
    """One self-test: sent at the first look, its run looked at from then on."""

    agent: GatewayAgent
    token: str = field(repr=False)
    run: str = ""
    status: str = ""
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def waits_for(self) -> str:
        """What is waited for, in one line."""
        return f"waits for the self-test: {self.run} is {self.status}"

    def poll(self) -> Finding | None:
        """What came of it; None while it goes on. Refused where the gateway does not take it."""
        if not self.run:
            return self._send()
        found = self.agent.run(self.run)
        self.status = found["status"]
        if self.status not in FINAL_STATUSES:
            return None
        if self.status != "succeeded":
            return failure(TOPIC, f"{self.run} {self.status}: {found['reason']}")
        took = datetime.fromisoformat(found["ended_at"]) - datetime.fromisoformat(found["created_at"])
        return ok(TOPIC, f"a signed delivery was accepted, and {self.run} ended {took.total_seconds():.1f} s later")

    def timed_out(self, after_s: float) -> Finding:
        """That it has not ended, and is ended now; where others run, it only waits for them."""
        if not self.run:
            return failure(TOPIC, f"was not accepted within {after_s:.0f} s")
        others = [each["id"] for each in self.agent.runs(limit=200).entries if each["status"] == "running"]
        self.agent.cancel(self.run)
        if self.status == "queued" and others:
            return note(TOPIC, f"not verified that runs start: {self.run} waited behind {len(others)} that run")
        return failure(TOPIC, f"{self.run} is {self.status} after {after_s:.0f} s, and is cancelled")

    def _send(self) -> Finding | None:
        at = str(int(self.now().timestamp()))
        proof = sign_headers(VERIFY, self.token, BODY, at=at, message=self.name)
        headers = {**proof, "Idempotency-Key": self.name, "Content-Type": "application/json"}
        try:
            values = self.agent.http.parse_reply(self.agent.deliver(NAME, BODY, headers, again=True))
        except NoSuchRun:
            return note(TOPIC, "not verified: the gateway is of a release that has no self-test")
        except RejectedByGateway as error:
            if error.status != 429:
                raise
            return note(TOPIC, f"not verified that runs start: {error}")
        self.run, self.status = values["id"], "accepted"
        return None
