"""Known facts of each hosted platform, with sources; an absent fact is unknown, not a no.

`page`: the vendor's own page or documentation states it, as of that day. `recalled`: somebody else quotes it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import MappingProxyType

from unmoor.pricing.price_book import ANYWHERE, Allowance, Price, Sureness

from .hosted_platforms import SIZED, HostedPlatform, SourcedFact


def _price(id: str, value: str, unit: str, source: str, day: date, sure: Sureness = "page", per: str = "1") -> Price:
    return Price(
        id=id, value=Decimal(value), unit=unit, per=Decimal(per), region=ANYWHERE, source=source, as_of=day, sure=sure
    )


def _free(id: str, quantity: str, unit: str, source: str, day: date) -> Allowance:
    return Allowance(id=id, covers=(id,), quantity=Decimal(quantity), unit=unit, source=source, as_of=day, sure="page")


def _says(**topics: tuple[str, str]) -> MappingProxyType[str, SourcedFact]:
    """Facts by topic, with _ for spaces, each with its source."""
    return MappingProxyType(
        {k.replace("_", " "): SourcedFact(text=text, source=url) for k, (text, url) in topics.items()}
    )


BUSY = "processors as if busy all the time: what waits for the model is not charged"

CLAUDE = "https://platform.claude.com/docs/en/managed-agents"
CLAUDE_PRICES = "https://platform.claude.com/docs/en/about-claude/pricing#claude-managed-agents-pricing"
ANTHROPIC = HostedPlatform(
    name="Anthropic Managed Agents",
    page=f"{CLAUDE}/overview",
    meters=("session",),
    prices=(_price("session", "0.08", "session-hour", CLAUDE_PRICES, date(2026, 9, 5)),),
    facts=_says(
        signed_webhooks=("sent by it, signed; one that starts a session: unknown", f"{CLAUDE}/webhooks"),
        schedule=("cron with a timezone, to the minute", f"{CLAUDE}/scheduled-deployments"),
        harness_choice=("its own harness, configured", f"{CLAUDE}/overview"),
        egress_list=("allowed_hosts where networking is limited", f"{CLAUDE}/environments"),
        cap_on_cost=("a budget for each session; a request under way still ends", f"{CLAUDE}/budgets"),
        export=("a session's events can be fetched in full", f"{CLAUDE}/overview"),
    ),
    note="charged while a session runs, not while it waits for its user",
)

AGENTCORE = "https://aws.amazon.com/bedrock/agentcore/pricing/"
AGENTCORE_DOCS = "https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide"
AWS = HostedPlatform(
    name="AWS AgentCore Runtime",
    page=AGENTCORE,
    prices=(
        _price("cpu", "0.0895", "vCPU-hour", AGENTCORE, date(2026, 9, 9), "recalled"),
        _price("memory", "0.00945", "GiB-hour", AGENTCORE, date(2026, 9, 9), "recalled"),
    ),
    facts=_says(
        signed_webhooks=("a request is signed by IAM or has a JWT", f"{AGENTCORE_DOCS}/runtime-oauth.html"),
        harness_choice=("a container of your own, linux/arm64", "https://github.com/aws/bedrock-agentcore-sdk-python"),
        egress_list=("security groups in a VPC of yours", f"{AGENTCORE_DOCS}/agentcore-vpc.html"),
        cap_on_cost=(
            "a session that ran away could neither be listed nor stopped",
            "https://github.com/aws/bedrock-agentcore-starter-toolkit/issues/498",
        ),
    ),
    note=f"{BUSY}; idle time after a run is, by its memory",
)

FOUNDRY = "https://learn.microsoft.com/azure/foundry/agents"
TEMPLATES = "https://github.com/microsoft/Foundry-Agent-Solution-Templates"
FOUNDRY_COST = f"{TEMPLATES}/blob/main/enterprise-knowledge-agent/docs/cost.md"
AZURE = HostedPlatform(
    name="Azure AI Foundry hosted agents",
    page=f"{FOUNDRY}/concepts/hosted-agents",
    prices=(
        _price("cpu", "0.10", "vCPU-hour", FOUNDRY_COST, date(2026, 9, 7)),
        _price("memory", "0.01", "GiB-hour", FOUNDRY_COST, date(2026, 9, 7)),
    ),
    facts=_says(
        signed_webhooks=(
            "taken as their sender has them; what verifies a signature: unknown",
            f"{FOUNDRY}/concepts/hosted-agents",
        ),
        schedule=("cron, every five minutes at most", f"{FOUNDRY}/how-to/use-routines"),
        harness_choice=("a container of your own", f"{FOUNDRY}/concepts/hosted-agents"),
        export=("a session's files can be downloaded", f"{FOUNDRY}/concepts/hosted-agents"),
    ),
    note="a session's compute stays for 15 minutes after its last request, which are not counted here",
)

RUNTIME = "https://docs.cloud.google.com/gemini-enterprise-agent-platform/scale/runtime"
RUNTIME_PRICES = "https://cloud.google.com/products/gemini-enterprise-agent-platform/pricing"
GOOGLE = HostedPlatform(
    name="Vertex AI Agent Engine",
    page=RUNTIME_PRICES,
    prices=(
        _price("cpu", "0.085", "vCPU-hour", RUNTIME_PRICES, date(2026, 10, 7)),
        _price("memory", "0.009", "GiB-hour", RUNTIME_PRICES, date(2026, 10, 7)),
    ),
    free=(
        _free("cpu", "50", "vCPU-hour", RUNTIME_PRICES, date(2026, 10, 7)),
        _free("memory", "100", "GiB-hour", RUNTIME_PRICES, date(2026, 10, 7)),
    ),
    facts=_says(
        harness_choice=("a container of your own that keeps its contract", f"{RUNTIME}/deploy-an-agent"),
        egress_list=("a gateway for all that leaves, with policies", f"{RUNTIME}/agent-gateway-runtime-deploy"),
    ),
    note="called Agent Runtime by now; sessions and memories that are kept are charged apart",
)

CLOUDFLARE_PRICES = "https://developers.cloudflare.com/containers/pricing/"
CLOUDFLARE = HostedPlatform(
    name="Cloudflare Sandbox",
    page="https://developers.cloudflare.com/sandbox/",
    meters=(*SIZED, "disk"),
    least_gib=Decimal(3),
    prices=(
        _price("cpu", "0.000020", "vCPU-second", CLOUDFLARE_PRICES, date(2026, 10, 9)),
        _price("memory", "0.0000025", "GiB-second", CLOUDFLARE_PRICES, date(2026, 10, 9)),
        _price("disk", "0.00000007", "GB-second", CLOUDFLARE_PRICES, date(2026, 10, 9)),
    ),
    free=(
        _free("cpu", "22500", "vCPU-second", CLOUDFLARE_PRICES, date(2026, 10, 9)),
        _free("memory", "25", "GiB-hour", CLOUDFLARE_PRICES, date(2026, 10, 9)),
        _free("disk", "200", "GB-hour", CLOUDFLARE_PRICES, date(2026, 10, 9)),
    ),
    facts=_says(
        email=("a Worker before it takes mail", "https://developers.cloudflare.com/agents/api-reference/email"),
        schedule=("cron of a Worker before it", "https://developers.cloudflare.com/containers/examples/cron"),
        harness_choice=("an image of your own", "https://developers.cloudflare.com/containers/examples/cron"),
        egress_list=(
            "allowedHosts: what is not in it is denied",
            "https://developers.cloudflare.com/sandbox/guides/outbound-traffic/",
        ),
    ),
    note=f"{BUSY}; 3 GiB a processor at least; the plan that it needs ($5 a month) and its Workers come on top",
)

VERCEL_PRICES = "https://vercel.com/docs/sandbox/pricing"
VERCEL = HostedPlatform(
    name="Vercel Sandbox",
    page="https://vercel.com/docs/sandbox",
    meters=(*SIZED, "start"),
    least_gib=Decimal(2),
    prices=(
        _price("cpu", "0.128", "vCPU-hour", VERCEL_PRICES, date(2026, 10, 9)),
        _price("memory", "0.0212", "GiB-hour", VERCEL_PRICES, date(2026, 10, 9)),
        _price("start", "0.60", "run", VERCEL_PRICES, date(2026, 10, 9), per="1000000"),
    ),
    facts=_says(
        schedule=("cron of a project's functions, with a timezone", "https://vercel.com/docs/schedules"),
        harness_choice=(
            "Claude Code, Codex and OpenCode are shown in it",
            "https://vercel.com/docs/sandbox/ecosystem/herdr",
        ),
        egress_list=("a firewall with a policy for what leaves", "https://vercel.com/docs/sandbox/concepts/firewall"),
        cap_on_cost=(
            "pauses all projects of a team, where that is chosen; an amount alone stops nothing",
            "https://vercel.com/docs/spend-management",
        ),
    ),
    note=f"{BUSY}; 2 GiB a processor at least; a plan's credit of $20 a month is not taken off",
)

PLATFORMS = (ANTHROPIC, AWS, AZURE, GOOGLE, CLOUDFLARE, VERCEL)
