"""Verifies a deployment: its revision, the gateway's bundle, and a self-test from webhook to result.

Every wait is bounded and prints its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from unmoor.container import READY_PATH
from unmoor.errors import UnmoorError
from unmoor.findings import Finding, failure, note, ok
from unmoor.plan import Plan
from unmoor.target import Outputs, Settings, Target
from unmoor.target.revision import Revision

from .errors import AgentUnreachable, OperateError, RejectedByGateway
from .gateway_agent import GatewayAgent
from .self_test import SelfTest

REVISION, GATEWAY, SELF_TEST = "revision", "gateway", "self-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """The maximum wait for each step and the poll interval, in seconds."""

    revision_s: float = 600
    gateway_s: float = 180
    self_test_s: float = 600
    pause_s: float = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The finding of each step, and the last log lines of a container that failed."""

    findings: tuple[Finding, ...]
    log: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no step failed; a step without a result counts as passed."""
        return not any(each.state == "wrong" for each in self.findings)


@dataclass(slots=True, kw_only=True)
class Verification:
    """The verification of one deployment. `say` receives the reason of each wait when it changes."""

    target: Target
    plan: Plan
    settings: Settings
    outputs: Outputs
    agent: GatewayAgent
    notify: Callable[[str], None]
    on_finding: Callable[[Finding], None] = lambda finding: None
    patience: Patience = field(default_factory=Patience)
    self_test: bool = True
    sleep: Callable[[float], None] = time.sleep
    ticks: Callable[[], float] = time.monotonic
    _log: tuple[str, ...] = ()

    def verify(self) -> Verified:
        """Runs the steps in order, up to the first failure."""
        findings: list[Finding] = []
        for step in self._steps():
            findings.append(finding := step())
            self.on_finding(finding)
            if finding.state == "wrong":
                break
        return Verified(findings=tuple(findings), log=self._log)

    def _steps(self) -> Iterator[Callable[[], Finding]]:
        yield self._revision
        yield self._gateway
        if self.self_test:
            yield self._self_test

    def _revision(self) -> Finding:
        """Waits until the deployed revision serves or has failed."""
        said = ""
        for last in self._polls(self.patience.revision_s):
            try:
                revision = self.target.current_revision(self.outputs, self.settings, self.plan)
            except OperateError as error:
                return failure(REVISION, str(error))
            if revision is None:
                return note(REVISION, f"not verified: {self.target.name} does not report its revision")
            if revision.state != "moving":
                return self._of(revision)
            if last:
                return failure(REVISION, f"{revision.text}; timed out after {self.patience.revision_s:.0f} s")
            said = self._notify_once(said, f"waiting for the revision: {revision.text}")
        raise AssertionError("the last look returns")

    def _of(self, revision: Revision) -> Finding:
        self._log = revision.log
        return (ok if revision.state == "serves" else failure)(REVISION, revision.text)

    def _gateway(self) -> Finding:
        """Waits until the gateway is ready with the deployed bundle."""
        said = ""
        for last in self._polls(self.patience.gateway_s):
            why = self._not_ready()
            if not why:
                return ok(GATEWAY, f"{self.outputs.url} is ready with bundle {self.outputs.bundle[:12]}")
            why += self._dns_advice()
            if last:
                return failure(GATEWAY, why)
            said = self._notify_once(said, f"waiting for the gateway: {why}")
        raise AssertionError("the last look returns")

    def _dns_advice(self) -> str:
        """The record that the user creates, if there is one."""
        domain, points_to = self.outputs.url.removeprefix("https://"), self.outputs.dns_target
        return f"; {domain} needs a DNS record, a CNAME or an alias, to {points_to}" if points_to else ""

    def _not_ready(self) -> str:
        """Why the gateway is not ready with the deployed bundle; empty if it is."""
        try:
            reply = self.agent.http.request("GET", READY_PATH, again=False, with_token=False)
            values = reply.values
            if not isinstance(values, dict) or "bundle" not in values:
                self.agent.http.parse_reply(reply)  # says what it is instead
                return f"{self.outputs.url}: answers, but not as a gateway"
        except UnmoorError as error:
            return str(error)
        if reply.status != 200:
            return (
                f"{self.outputs.url} is {values.get('status', 'not ready')}: it cannot reach its store, or is stopping"
            )
        if values["bundle"] != self.outputs.bundle:
            now = str(values["bundle"])[:12]
            return f"{self.outputs.url} has bundle {now} instead of the deployed {self.outputs.bundle[:12]}"
        return ""

    def _self_test(self) -> Finding:
        """Waits until the self-test's run has ended."""
        test, said = SelfTest(agent=self.agent, token=self.outputs.token), ""
        for last in self._polls(self.patience.self_test_s):
            try:
                found = test.poll()
            except (RejectedByGateway, AgentUnreachable) as error:
                if last or (isinstance(error, RejectedByGateway) and error.status < 500):
                    return failure(SELF_TEST, str(error))
                said = self._notify_once(said, f"waiting for the self-test: {error}")
                continue
            except OperateError as error:
                return failure(SELF_TEST, str(error))
            if found is not None:
                return found
            if last:
                return test.timeout_finding(self.patience.self_test_s)
            said = self._notify_once(said, test.waits_for)
        raise AssertionError("the last look returns")

    def _polls(self, patience_s: float) -> Iterator[bool]:
        """Yields at each poll, until the time is over, whether it is the last one."""
        until = self.ticks() + patience_s
        while self.ticks() < until:
            yield False
            self.sleep(self.patience.pause_s)
        yield True

    def _notify_once(self, before: str, now: str) -> str:
        if now != before:
            self.notify(now)
        return now
