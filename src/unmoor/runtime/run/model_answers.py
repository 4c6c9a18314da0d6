"""How a run's model requests ended: limits them, and finds a last answer that is none although the harness exits 0."""

from __future__ import annotations

from dataclasses import dataclass

from unmoor.runtime.events import Finish, ModelAnswer

from .stop import Stop

REQUESTS_CAP = "run.max_model_requests"
# More than any harness repeats a request by its own rules: Codex sends 30 in 25 s while its provider responds 500.
MOST_EQUAL_FAILURES = 50
FAILURES: tuple[Finish, ...] = ("refused", "empty", "broken", "failed")
# These say nothing about the agent's answer: there is none, and the harness knows it or did not want it.
NO_ANSWER: tuple[Finish, ...] = ("failed", "cancelled")


@dataclass(slots=True)
class ModelAnswers:
    """Counts a run's model requests, and stops a run that asks too often or in vain again and again.

    `reason` is why it was stopped, empty if it was not.
    """

    stop: Stop
    max_requests: int
    requests: int = 0
    reason: str = ""
    _last: ModelAnswer | None = None
    _failure: ModelAnswer | None = None
    _in_a_row: int = 0

    def add(self, answer: ModelAnswer) -> None:
        """One more request has ended."""
        self.requests += 1
        if answer.finish not in NO_ANSWER:
            self._last = answer
        if answer.finish != "cancelled":
            self._in_a_row = self._in_a_row + 1 if answer == self._failure else 1
            self._failure = answer if answer.finish in FAILURES else None
        if self._failure and self._in_a_row >= MOST_EQUAL_FAILURES:
            self._end(f"the model failed {self._in_a_row} times in a row: the last answer {answer.problem}")
        elif self.requests >= self.max_requests:
            self._end(f"{REQUESTS_CAP}: the run made {self.max_requests} model requests")

    def last_problem(self, *, length_counts: bool) -> str:
        """Why the run's last answer is none, or empty. `length_counts`: whether one that was cut off is none."""
        if self._last is None or (self._last.finish == "length" and not length_counts):
            return ""
        return f"the model's last answer {self._last.problem}" if self._last.problem else ""

    def _end(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
            self.stop.request("model_limit")
