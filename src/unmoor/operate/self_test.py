"""The caller's side of a self-test, as `unmoor verify` runs it: sends the signed webhook and waits for its run.

The gateway's trigger is runtime/self_test_trigger.py; the runner's side is runtime/run/self_test.py.
"""

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
    """One self-test: the first poll sends the webhook, later ones read its run."""

    agent: GatewayAgent
    token: str = field(repr=False)
    run: str = ""
    status: str = ""
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def waits_for(self) -> str:
        return f"waiting for the self-test: {self.run} is {self.status}"

    def poll(self) -> Finding | None:
        """The result; None while the run is active. RejectedByGateway if the gateway refuses the webhook."""
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

    def timeout_finding(self, after_s: float) -> Finding:
        """Cancels the run; a failure, or only a note if it was queued behind other runs."""
        if not self.run:
            return failure(TOPIC, f"was not accepted within {after_s:.0f} s")
        others = [each["id"] for each in self.agent.runs(limit=200).entries if each["status"] == "running"]
        self.agent.cancel(self.run)
        if self.status == "queued" and others:
            return note(TOPIC, f"not verified that runs start: {self.run} was queued behind {len(others)} active runs")
        return failure(TOPIC, f"{self.run} is {self.status} after {after_s:.0f} s and was canceled")

    def _send(self) -> Finding | None:
        at = str(int(self.now().timestamp()))
        proof = sign_headers(VERIFY, self.token, BODY, at=at, message=self.name)
        headers = {**proof, "Idempotency-Key": self.name, "Content-Type": "application/json"}
        try:
            values = self.agent.http.parse_reply(self.agent.deliver(NAME, BODY, headers, again=True))
        except NoSuchRun:
            return note(TOPIC, "not verified: the gateway's release has no self-test")
        except RejectedByGateway as error:
            if error.status != 429:
                raise
            return note(TOPIC, f"not verified that runs start: {error}")
        self.run, self.status = values["id"], "accepted"
        return None
