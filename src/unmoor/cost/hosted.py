"""Hosted platforms for scale: reference rows, which no target of ours is. What no source says is unknown.

Their own meters are laid on the same use: a run's processors and memory for as long as it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from unmoor.plan import Plan

from .line import CostLine, Use
from .lines import Prices
from .price import Price, PriceBook
from .units import MIB_PER_GIB
from .usage import Usage

# What of a spec is asked of each.
TOPICS = ("signed webhooks", "email", "schedule", "harness choice", "egress list", "cap on cost", "export")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is known of a topic, and where it is said."""

    text: str
    source: str


UNKNOWN = Said(text="unknown", source="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A platform: its prices of processors and memory as far as they are known, what it says of each topic, notes."""

    name: str
    page: str
    prices: tuple[Price, ...] = ()
    says: Mapping[str, Said] = field(default_factory=dict[str, Said])
    note: str = ""

    def said(self, topic: str) -> Said:
        return self.says.get(topic, UNKNOWN)

    def lines(self, plan: Plan, usage: Usage) -> list[CostLine]:
        """What the same runs come to; unknown where there is no price."""
        seconds = usage.runs * usage.run_seconds
        gib = Decimal(plan.run.memory_mib) / MIB_PER_GIB
        uses = (
            Use(part="run", kind="runs", what="processors", price="cpu", quantity=plan.run.cpu * seconds,
                unit="vCPU-second"),
            Use(part="run", kind="runs", what="memory", price="memory", quantity=gib * seconds, unit="GiB-second"),
        )  # fmt: skip
        return Prices(book=PriceBook(prices=self.prices), free_tier=False).lines(uses, "*")


def _recalled(id: str, value: str, unit: str, source: str, day: date) -> Price:
    return Price(id=id, value=Decimal(value), unit=unit, region="*", source=source, as_of=day, sure="recalled")


AGENTCORE = "https://aws.amazon.com/bedrock/agentcore/pricing/"
VERCEL = "https://vercel.com/docs/vercel-sandbox/pricing"
OWN_CONTAINER = "a container of your own"

PLATFORMS = (
    Hosted(name="Anthropic Managed Agents", page="https://platform.claude.com/docs/en/managed-agents/overview"),
    Hosted(
        name="AWS AgentCore Runtime",
        page=AGENTCORE,
        prices=(
            _recalled("cpu", "0.0895", "vCPU-hour", AGENTCORE, date(2026, 5, 3)),
            _recalled("memory", "0.00945", "GiB-hour", AGENTCORE, date(2026, 5, 3)),
        ),
        says=MappingProxyType(
            {
                "harness choice": Said(
                    text=f"{OWN_CONTAINER}, linux/arm64",
                    source="https://github.com/aws/bedrock-agentcore-sdk-python",
                ),
                "cap on cost": Said(
                    text="a session that ran away could neither be listed nor stopped",
                    source="https://github.com/aws/bedrock-agentcore-starter-toolkit/issues/498",
                ),
            }
        ),
        note="processors as if busy all the time: what waits for the model is not charged; idle time after a run is",
    ),
    Hosted(
        name="Azure AI Foundry hosted agents",
        page="https://learn.microsoft.com/azure/ai-foundry/agents/concepts/hosted-agents",
        says=MappingProxyType(
            {
                "harness choice": Said(
                    text=OWN_CONTAINER,
                    source="https://learn.microsoft.com/azure/ai-foundry/agents/concepts/hosted-agents",
                )
            }
        ),
    ),
    Hosted(name="Vertex AI Agent Engine", page="https://cloud.google.com/vertex-ai/pricing"),
    Hosted(name="Cloudflare Sandbox", page="https://developers.cloudflare.com/sandbox/"),
    Hosted(
        name="Vercel Sandbox",
        page=VERCEL,
        prices=(_recalled("cpu", "0.128", "vCPU-hour", VERCEL, date(2026, 1, 30)),),
        note="processors as if busy all the time: what waits for the model is not charged",
    ),
)
