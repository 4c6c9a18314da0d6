"""Hosted platforms as reference rows, which are not targets. A fact without a source is unknown.

Their meters are applied to the same usage: a run's size or a session for the time of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from unmoor.plan import Plan
from unmoor.pricing.line import CostLine, UsageItem
from unmoor.pricing.price_book import ANYWHERE, Allowance, Price, PriceBook
from unmoor.pricing.pricer import Pricer
from unmoor.pricing.units import MIB_PER_GIB
from unmoor.pricing.usage import Usage

# The topics of each platform's facts.
TOPICS = ("signed webhooks", "email", "schedule", "harness choice", "egress list", "cap on cost", "export")
SIZED = ("cpu", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedFact:
    """A fact about a topic, and its source."""

    text: str
    source: str


UNKNOWN = SourcedFact(text="unknown", source="")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedPlatform:
    """A platform with its meters, known prices and known facts.

    `meters` are some of `session`, `cpu`, `memory`, `disk` and `start`, priced under these ids; `least_gib` is the
    least memory for each processor.
    """

    name: str
    page: str
    prices: tuple[Price, ...] = ()
    free: tuple[Allowance, ...] = ()
    meters: tuple[str, ...] = SIZED
    least_gib: Decimal = Decimal(0)
    facts: Mapping[str, SourcedFact] = field(default_factory=dict[str, SourcedFact])
    note: str = ""

    def fact(self, topic: str) -> SourcedFact:
        return self.facts.get(topic, UNKNOWN)

    @property
    def unknown_topics(self) -> tuple[str, ...]:
        """The topics without a known fact."""
        return tuple(topic for topic in TOPICS if topic not in self.facts)

    @property
    def book(self) -> PriceBook:
        return PriceBook(prices=self.prices, allowances=self.free)

    def lines(self, plan: Plan, usage: Usage, *, free_tier: bool = True) -> tuple[CostLine, ...]:
        """The cost of the same runs; unknown without a price."""
        used = self._quantities(plan, usage)
        uses = [UsageItem("run", "runs", used[m][0], m, used[m][1], used[m][2]) for m in self.meters]
        return tuple(Pricer(book=self.book, free_tier=free_tier).lines(uses, ANYWHERE))

    def _quantities(self, plan: Plan, usage: Usage) -> dict[str, tuple[str, Decimal, str]]:
        seconds, run = usage.runs * usage.run_seconds, plan.run
        memory = max(Decimal(run.memory_mib) / MIB_PER_GIB, run.cpu * self.least_gib)
        return {
            "session": ("sessions that run", seconds, "session-second"),
            "cpu": ("processors", run.cpu * seconds, "vCPU-second"),
            "memory": ("memory", memory * seconds, "GiB-second"),
            "disk": ("disk", Decimal(run.disk_mib) / MIB_PER_GIB * seconds, "GiB-second"),
            "start": ("starts", usage.runs, "run"),
        }
