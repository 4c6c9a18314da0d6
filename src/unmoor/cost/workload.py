"""The platform-independent quantities of a usage: time awake, store requests, storage."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from unmoor.cron import parse
from unmoor.plan import ImageReference, Plan, Schedule
from unmoor.pricing.units import DAYS_PER_MONTH, HOURS_PER_MONTH, MIB_PER_GIB, SECONDS_PER_HOUR, SECONDS_PER_MONTH
from unmoor.pricing.usage import Usage
from unmoor.runtime.gateway.queue import look_times
from unmoor.runtime.state.lease_times import REMOTE

# How often a gateway in a bucket lists the queue, and one that was woken a short time ago.
LIST_S, SETTLING_LIST_S = Decimal(look_times.LIST_S), Decimal(look_times.SETTLING_LIST_S)
# Store requests of a run besides those of each minute: its queue entry, record, session, artifacts and first events.
# tests/runtime/gateway/test_store_operations.py counts those of a real run.
STORE_WRITES, STORE_READS = Decimal(22), Decimal(10)
# It renews its lease and writes its events as often; the gateway reads its record whenever its lease may have expired.
STORE_WRITES_A_MINUTE = 2 * 60 / Decimal(REMOTE.renew_s)
STORE_READS_A_MINUTE = 60 / Decimal(REMOTE.lease_s)
# A built image with its harness, compressed, and as many of them as a few deployments leave.
IMAGE_GIB, IMAGES = Decimal("0.5"), 2
# A run's egress connections through its guard, besides model calls.
CONNECTIONS = Decimal(40)
# What the gateway answers a request with, on average: a page of events or of runs.
ANSWER_KIB = Decimal(20)

# All assumptions of an estimate.
CONSTANTS = (
    f"a run writes {STORE_WRITES} objects and {STORE_WRITES_A_MINUTE} more each minute, and reads {STORE_READS} and "
    f"{STORE_READS_A_MINUTE}; a cap on its cost adds three objects for each call of the model",
    "nobody follows a run's events live, for which it writes up to 60 objects a minute and the gateway asks as often",
    f"a gateway that is kept lists the queue every {LIST_S} s, one that was woken every {SETTLING_LIST_S} s",
    f"a built image has {IMAGE_GIB} GiB, and {IMAGES} are kept",
    f"a run opens {CONNECTIONS} connections through its guard",
    f"the gateway answers with {ANSWER_KIB} KiB, which counts where a load balancer stands before it",
    "gateways beyond those that are kept or woken come under load alone, and are not counted",
    "what is kept has come to stay even: as much is deleted by age as is added",
    "free tiers are this agent's alone, though an account has them once; taxes and support are not counted",
)


def run_seconds(usage: Usage, *, least: int = 0, starting: bool = True) -> Decimal:
    """Seconds of runs' containers in the month, at least `least` for each."""
    each = usage.run_seconds + (usage.start_seconds if starting else 0)
    return usage.runs * max(each, Decimal(least))


def awake_seconds(usage: Usage, *, a_run: Decimal, a_request: Decimal) -> Decimal:
    """Seconds awake if each run and each other request keeps it awake for that long.

    Times are assumed not to overlap, so this is an upper bound.
    """
    others = usage.other_requests / HOURS_PER_MONTH * a_request
    hours = (count * min(runs * a_run + others, SECONDS_PER_HOUR) for runs, count in usage.hourly_load)
    return DAYS_PER_MONTH * sum(hours, Decimal(0))


def busy_seconds(usage: Usage) -> Decimal:
    """An upper bound of the seconds with at least one active run."""
    return awake_seconds(usage, a_run=usage.run_seconds, a_request=Decimal(0))


def idle_looks(plan: Plan, always: Decimal) -> Decimal:
    """Listings by gateways that are kept for so many seconds: of the queue, and of replies to send."""
    replies = any(mailbox.smtp_host for mailbox in plan.mailboxes)
    return always / LIST_S * (2 if replies else 1)


def woken_looks(woken: Decimal) -> Decimal:
    """Listings of the queue by gateways that are woken for so many seconds."""
    return woken / SETTLING_LIST_S


def store_writes(plan: Plan, usage: Usage) -> Decimal:
    """Objects written by runs and their guards, and the queue's listings for them."""
    return usage.runs * (STORE_WRITES + STORE_WRITES_A_MINUTE * usage.minutes + _ledger_writes(plan, usage))


def store_reads(plan: Plan, usage: Usage) -> Decimal:
    """Objects read by runs and their guards."""
    return usage.runs * (STORE_READS + STORE_READS_A_MINUTE * usage.minutes)


def _ledger_writes(plan: Plan, usage: Usage) -> Decimal:
    """A guard of runs with a cap writes a hold for each call of the model, its spending, and the end of the hold."""
    capped = plan.run.max_cost_usd is not None or plan.budget_per_day_usd is not None
    return 3 * usage.model_calls if capped else Decimal(0)


def guard_requests(usage: Usage) -> Decimal:
    """Requests of runs to a separate guard service."""
    return usage.runs * (usage.model_calls + CONNECTIONS)


def stored_gib(plan: Plan, usage: Usage, *, replaced_days: int) -> Decimal:
    """GiB stored for runs within retention, plus their noncurrent versions for `replaced_days`."""
    each, seconds = usage.artifacts_mib + usage.logs_mib, plan.retention.runs_s + replaced_days * 86400
    return usage.runs * each / MIB_PER_GIB * Decimal(seconds) / SECONDS_PER_MONTH


def logs_gib(usage: Usage) -> Decimal:
    """Logs written in the month."""
    return usage.runs * usage.logs_mib / MIB_PER_GIB


def egress_gib(usage: Usage) -> Decimal:
    """Egress in the month."""
    return usage.runs * usage.egress_mib / MIB_PER_GIB


def answers_gib(usage: Usage) -> Decimal:
    """The gateway's responses in the month."""
    return usage.all_requests * ANSWER_KIB / MIB_PER_GIB / 1024


def months(days: int) -> Decimal:
    """Days as months."""
    return Decimal(days) / DAYS_PER_MONTH


def images_gib(plan: Plan) -> Decimal:
    """Registry storage for the built image; zero if the spec names an existing image."""
    return Decimal(0) if isinstance(plan.image, ImageReference) else IMAGE_GIB * IMAGES


def managed_secrets(plan: Plan) -> int:
    """How many secrets the target stores; existing ones are paid for by their owner."""
    return sum(secret.source != "existing" for secret in plan.secrets)


def secret_reads(plan: Plan, usage: Usage) -> Decimal:
    """Reads of secrets by runs and their guards."""
    return usage.runs * len(plan.secrets_held_by("run", "guard"))


def scheduled_runs(schedules: Iterable[Schedule]) -> Decimal:
    """How often these schedules fire in a month."""
    return sum((_firings(schedule) for schedule in schedules), Decimal(0))


def _firings(schedule: Schedule) -> Decimal:
    cron = parse(schedule.cron)
    days = Decimal(len(cron.days)) / 31 if len(cron.days) < 31 else Decimal(1)
    weekdays = Decimal(len(cron.weekdays)) / 7
    share = min(days + weekdays, Decimal(1)) if days < 1 and weekdays < 1 else days * weekdays
    return DAYS_PER_MONTH * share * Decimal(len(cron.months)) / 12 * len(cron.hours) * len(cron.minutes)
