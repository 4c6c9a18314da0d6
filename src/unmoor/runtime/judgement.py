"""How a run ended: the harness's last word, unless somebody ended it."""

from __future__ import annotations

from dataclasses import dataclass
from signal import SIGKILL, Signals

from unmoor.quantities import duration_text

from .events import OverBudget, Status
from .harness.protocol import Outcome
from .program import Ended
from .records import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A run's status, the reason in one line (empty where it succeeded), the agent's answer and its artifacts."""

    status: Status
    reason: str
    answer: str = ""
    artifacts: tuple[Artifact, ...] = ()


def judged(ended: Ended, outcome: Outcome, *, timeout_s: int, over: OverBudget | None) -> End:
    """The end of a harness that was started. One that was ended is what it was ended for, whatever it said."""
    match ended.cause:
        case "timed_out":
            return End(status="timed_out", reason=f"no end after {duration_text(timeout_s)}", answer=outcome.answer)
        case "over_budget":
            return End(status="over_budget", reason=spent(over), answer=outcome.answer)
        case "cancelled":
            return End(status="cancelled", reason="cancelled", answer=outcome.answer)
        case "stopped":
            return End(status="lost", reason="its container was told to stop", answer=outcome.answer)
        case _:
            reason = outcome.reason + _killed(ended) if outcome.status == "failed" else ""
            return End(status=outcome.status, reason=reason, answer=outcome.answer)


def not_started(cause: str, over: OverBudget | None) -> End:
    """The end of a run that was ended before its harness began."""
    if cause == "cancelled":
        return End(status="cancelled", reason="cancelled before the harness began")
    if cause == "over_budget":
        return End(status="over_budget", reason=spent(over))
    return End(status="lost", reason="its container was told to stop before the harness began")


def spent(over: OverBudget | None) -> str:
    """Which cap is used up, in one line."""
    return f"{over.cap}: {over.limit_usd} USD are used up" if over else "a cap is used up"


def _killed(ended: Ended) -> str:
    """What a signal that nobody here sent is likely to mean."""
    number = ended.exit.signal
    if number is None or ended.lingered:
        return ""
    if number == SIGKILL:
        return "; the kernel killed it, as it does where memory is short"
    names = {s.value: s.name for s in Signals}
    return f"; it was ended by {names.get(number, f'signal {number}')}"
