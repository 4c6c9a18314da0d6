"""A month's cost on a machine with Docker: the machine, its disk, address and traffic.

The machine is the configured one, at the configured price or at its list price; by default the cheapest known one with
enough memory for the agent.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from unmoor.cost import common_uses, workload
from unmoor.plan import Plan
from unmoor.pricing.line import CostLine, UsageItem
from unmoor.pricing.pricer import Pricer
from unmoor.pricing.units import SECONDS_PER_MONTH
from unmoor.pricing.usage import Usage
from unmoor.quantities import size_text

from .machines import AZURE, MACHINES, Machine, agents_on, fits, required_mib, runs_on
from .settings import DockerSettings

# The machine's system, and the factor by which images grow when unpacked.
SYSTEM_GIB, UNPACKED = Decimal(8), 3
# The smallest disk of the clouds, and the disk sizes of Azure.
LEAST_DISK_GIB, DISK_STEPS_GIB = Decimal(10), tuple(Decimal(32 * 2**step) for step in range(11))


def cost(plan: Plan, settings: DockerSettings, usage: Usage, prices: Pricer) -> list[CostLine]:
    """The lines of a month's bill, as if the machine were only for this agent."""
    if settings.machine_usd_month is not None:
        return [_stated_price(plan, settings, settings.machine_usd_month)]
    machine = MACHINES[settings.machine] if settings.machine else _cheapest(plan, prices)
    if machine is None:
        what = f"a machine with {size_text(required_mib(plan))}"
        why = f"no {plan.run.arch} machine of the table has the {size_text(required_mib(plan))} that the agent may use"
        unknown = CostLine(part="run", kind="fixed", what=what, quantity=Decimal(1), unit="month", unknown=why)
        return [unknown]
    return prices.lines([*_uses(plan, settings, usage, machine)], machine.region)


def _stated_price(plan: Plan, settings: DockerSettings, usd: Decimal) -> CostLine:
    machine = MACHINES[settings.machine] if settings.machine else None
    note = "the price in targets.vm-docker.machine_usd_month, with disk, address and traffic"
    return CostLine(
        part="run",
        kind="fixed",
        what=settings.machine or "the machine",
        quantity=Decimal(1),
        unit="month",
        amount=usd,
        note=f"{note}; {_fits(machine, plan)}" if machine else note,
    )


def _cheapest(plan: Plan, prices: Pricer) -> Machine | None:
    enough = [m for m in MACHINES.values() if fits(m, plan)]
    priced = [(price.value, m.name) for m in enough if (price := prices.book.find(m.name, m.region)) is not None]
    return MACHINES[min(priced)[1]] if priced else None


def _uses(plan: Plan, settings: DockerSettings, usage: Usage, machine: Machine) -> Iterator[UsageItem]:
    chosen = "" if settings.machine else ", the cheapest of the table that the agent fits on"
    note = f"{machine.name}{chosen}: {_fits(machine, plan)}"
    yield UsageItem("run", "fixed", machine.name, machine.name, SECONDS_PER_MONTH, "second", note)
    yield UsageItem("store", "fixed", "disk", "disk", _disk_gib(plan, usage, machine), "GiB-month")
    yield UsageItem("network", "fixed", "public address", "address", SECONDS_PER_MONTH, "second")
    yield from common_uses.egress_uses(usage)


def _fits(machine: Machine, plan: Plan) -> str:
    has, agents = f"{machine.cpu} processors, {size_text(machine.memory_mib)}", agents_on(machine, plan)
    room = "1 such agent fits" if agents == 1 else f"{agents} such agents fit"
    if plan.run.isolation == "process":
        return f"{has}, {room}"
    if agents == 0:
        return f"{has}, room for {runs_on(machine, plan)} of {plan.run.max_concurrent} runs at one time"
    return f"{has}, {room}, {plan.run.max_concurrent} runs each at one time"


def _disk_gib(plan: Plan, usage: Usage, machine: Machine) -> Decimal:
    """System, images, stored runs, and the workspaces of concurrent runs."""
    runs = plan.run.max_concurrent if plan.run.isolation == "container" else 1
    workspaces = Decimal(plan.run.disk_mib * runs) / workload.MIB_PER_GIB
    needed = SYSTEM_GIB + workload.IMAGE_GIB * workload.IMAGES * UNPACKED + workspaces
    needed = max(needed + workload.stored_gib(plan, usage, replaced_days=0), LEAST_DISK_GIB)
    if machine.region != AZURE:
        return needed
    return next((step for step in DISK_STEPS_GIB if step >= needed), needed)
