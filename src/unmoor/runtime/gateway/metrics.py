"""The gateway's metrics for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from unmoor.runtime.events import FINAL_STATUSES
from unmoor.runtime.state.run_record import RunRecord

METHODS = ("GET", "HEAD", "POST")
LABELS = ("method", "route", "status")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of this gateway. Every label has few values, whatever is requested."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        self._ended = counter("unmoor_runs_ended", "Runs that ended, by status.", ["status"])
        self.accepted = counter("unmoor_runs_accepted", "Runs that were accepted.")
        self.skipped = counter("unmoor_runs_skipped", "Runs that were skipped (run.when_busy).")
        deliveries = "Deliveries to triggers, by kind and outcome."
        self._deliveries = counter("unmoor_deliveries", deliveries, ["kind", "outcome"])
        self._queue = gauge("unmoor_queue_runs", "Runs in the queue, by status.", ["status"])
        durations = "Durations of requests; of streams, until they ended."
        self._seconds = Histogram(
            "unmoor_http_request_seconds", durations, LABELS, buckets=SECONDS, registry=self.registry
        )
        mailboxes = "Whether the trigger's mailbox is connected."
        self._mailboxes = gauge("unmoor_mailbox_connected", mailboxes, ["trigger"])
        for status in FINAL_STATUSES:
            self._ended.labels(status)

    def count_delivery(self, kind: str, outcome: str) -> None:
        self._deliveries.labels(kind, outcome).inc()

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        known = method if method in METHODS else "other"
        self._seconds.labels(known, route, str(status)).observe(seconds)

    def count_finished(self, record: RunRecord) -> None:
        self._ended.labels(record.status).inc()

    def set_mailbox_connected(self, trigger: str, connected: bool) -> None:
        self._mailboxes.labels(trigger).set(connected)

    def exposition(self, queue: Iterable[RunRecord]) -> bytes:
        """The metrics in Prometheus' text format, with the current queue."""
        statuses = [record.status for record in queue]
        for status in ("queued", "running"):
            self._queue.labels(status).set(statuses.count(status))
        return generate_latest(self.registry)
