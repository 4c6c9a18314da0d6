"""Whether what runs is what was asked for: the revision, the gateway's bundle, the way from a webhook to a run's end.

Every wait has an end, and says what it waits for.
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
    """How long each step is waited for, and how often it is looked at; in seconds."""

    revision_s: float = 600
    gateway_s: float = 180
    self_test_s: float = 600
    pause_s: float = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found, step by step, and the last lines of the container that failed."""

    findings: tuple[Finding, ...]
    log: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; a step that cannot be told is not."""
        return not any(each.state == "wrong" for each in self.findings)


@dataclass(slots=True, kw_only=True)
class Verification:
    """One deployment that is looked at. `say` hears what is waited for, each time that it is something else."""

    target: Target
    plan: Plan
    settings: Settings
    outputs: Outputs
    agent: GatewayAgent
    say: Callable[[str], None]
    found: Callable[[Finding], None] = lambda finding: None
    patience: Patience = field(default_factory=Patience)
    self_test: bool = True
    sleep: Callable[[float], None] = time.sleep
    ticks: Callable[[], float] = time.monotonic
    _log: tuple[str, ...] = ()

    def verify(self) -> Verified:
        """Looks at each step in turn; what comes after one that is wrong is not looked at."""
        findings: list[Finding] = []
        for step in self._steps():
            findings.append(finding := step())
            self.found(finding)
            if finding.state == "wrong":
                break
        return Verified(findings=tuple(findings), log=self._log)

    def _steps(self) -> Iterator[Callable[[], Finding]]:
        yield self._revision
        yield self._gateway
        if self.self_test:
            yield self._self_test

    def _revision(self) -> Finding:
        """Waits until the revision that was asked for serves, or has failed."""
        said = ""
        for last in self._looks(self.patience.revision_s):
            try:
                revision = self.target.current_revision(self.outputs, self.settings, self.plan)
            except OperateError as error:
                return failure(REVISION, str(error))
            if revision is None:
                return note(REVISION, f"not verified: {self.target.name} cannot tell")
            if revision.state != "moving":
                return self._of(revision)
            if last:
                return failure(REVISION, f"{revision.text}, and not more after {self.patience.revision_s:.0f} s")
            said = self._waits(said, f"waits for the revision: {revision.text}")
        raise AssertionError("the last look returns")

    def _of(self, revision: Revision) -> Finding:
        self._log = revision.log
        return (ok if revision.state == "serves" else failure)(REVISION, revision.text)

    def _gateway(self) -> Finding:
        """Waits until the gateway is ready with the bundle that was deployed."""
        said = ""
        for last in self._looks(self.patience.gateway_s):
            why = self._not_ready()
            if not why:
                return ok(GATEWAY, f"{self.outputs.url} is ready with bundle {self.outputs.bundle[:12]}")
            if last:
                return failure(GATEWAY, why)
            said = self._waits(said, f"waits for the gateway: {why}")
        raise AssertionError("the last look returns")

    def _not_ready(self) -> str:
        """Why the gateway is not ready as it was deployed; empty where it is."""
        try:
            reply = self.agent.http.ask("GET", READY_PATH, again=False, with_token=False)
            values = reply.values
            if not isinstance(values, dict) or "bundle" not in values:
                self.agent.http.parse_reply(reply)  # says what it is instead
                return f"{self.outputs.url}: answers, and not as a gateway does"
        except UnmoorError as error:
            return str(error)
        if reply.status != 200:
            return f"{self.outputs.url} is {values.get('status', 'not ready')}: it does not reach its store, or stops"
        if values["bundle"] != self.outputs.bundle:
            now = str(values["bundle"])[:12]
            return f"{self.outputs.url} has bundle {now} and not {self.outputs.bundle[:12]}, which was deployed"
        return ""

    def _self_test(self) -> Finding:
        """Waits until a run that was started by a signed delivery has ended."""
        test, said = SelfTest(agent=self.agent, token=self.outputs.token), ""
        for last in self._looks(self.patience.self_test_s):
            try:
                found = test.poll()
            except (RejectedByGateway, AgentUnreachable) as error:
                if last or (isinstance(error, RejectedByGateway) and error.status < 500):
                    return failure(SELF_TEST, str(error))
                said = self._waits(said, f"waits for the self-test: {error}")
                continue
            except OperateError as error:
                return failure(SELF_TEST, str(error))
            if found is not None:
                return found
            if last:
                return test.timed_out(self.patience.self_test_s)
            said = self._waits(said, test.waits_for)
        raise AssertionError("the last look returns")

    def _looks(self, patience_s: float) -> Iterator[bool]:
        """One look after another until the time is over; says of each whether it is the last."""
        until = self.ticks() + patience_s
        while self.ticks() < until:
            yield False
            self.sleep(self.patience.pause_s)
        yield True

    def _waits(self, before: str, now: str) -> str:
        if now != before:
            self.say(now)
        return now
