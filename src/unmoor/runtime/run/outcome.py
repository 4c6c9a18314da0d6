"""A run's outcome: what the harness reported, unless the run was ended from outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from signal import SIGKILL, Signals

from unmoor.quantities import duration_text
from unmoor.runtime.events import BudgetExceeded, Status
from unmoor.runtime.harness.protocol import HarnessOutcome
from unmoor.runtime.state.run_record import Artifact

from .harness_process import ProcessResult
from .model_answers import ModelAnswers

STOPPED = "the container was told to stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """A run's status, the reason in one line (empty if it succeeded), the agent's answer and its artifacts."""

    status: Status
    reason: str
    answer: str = ""
    artifacts: tuple[Artifact, ...] = ()


def resolve_outcome(
    ended: ProcessResult,
    outcome: HarnessOutcome,
    *,
    timeout_s: int,
    over: BudgetExceeded | None,
    answers: ModelAnswers,
    length_counts: bool,
) -> RunOutcome:
    """The outcome of a harness that was started. A cause from outside overrides what the harness reported, and so does
    a last answer of the model that is none."""
    status: Status = outcome.status
    reason = outcome.reason + _signal_text(ended) if status == "failed" else ""
    if status == "succeeded" and (reason := answers.last_problem(length_counts=length_counts)):
        status = "failed"
    match ended.cause:
        case "timed_out":
            status, reason = "timed_out", f"timed out after {duration_text(timeout_s)} (run.timeout)"
        case "over_budget":
            status, reason = "over_budget", cap_exceeded_text(over)
        case "model_limit":
            status, reason = "failed", answers.reason
        case "cancelled":
            status, reason = "cancelled", "cancelled"
        case "stopped":
            status, reason = "lost", STOPPED
    return RunOutcome(status=status, reason=reason, answer=outcome.answer)


def outcome_before_start(cause: str, over: BudgetExceeded | None) -> RunOutcome:
    """The outcome of a run that was ended before its harness started."""
    if cause == "cancelled":
        return RunOutcome(status="cancelled", reason="cancelled before the harness started")
    if cause == "over_budget":
        return RunOutcome(status="over_budget", reason=cap_exceeded_text(over))
    return RunOutcome(status="lost", reason=f"{STOPPED} before the harness started")


def outcome_of_cancelled(outcome: RunOutcome) -> RunOutcome:
    """The outcome of a run whose cancellation was requested: a container that was stopped was stopped for that."""
    if outcome.status != "lost":
        return outcome
    return replace(outcome, status="cancelled", reason=outcome.reason.replace(STOPPED, "cancelled"))


def cap_exceeded_text(over: BudgetExceeded | None) -> str:
    return f"{over.cap}: the cap of {over.limit_usd} USD is used up" if over else "a spending cap is used up"


def _signal_text(ended: ProcessResult) -> str:
    """The probable meaning of a signal that the runner did not send."""
    number = ended.exit.signal
    if number is None or ended.lingered:
        return ""
    if number == SIGKILL:
        return "; something killed it, perhaps because memory ran out"
    names = {s.value: s.name for s in Signals}
    return f"; it was terminated by {names.get(number, f'signal {number}')}"
