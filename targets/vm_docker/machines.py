"""Common machines of three clouds under their cloud's names; their prices are in prices.json.

https://aws.amazon.com/ec2/instance-types/ https://cloud.google.com/compute/docs/machine-resource
https://learn.microsoft.com/azure/virtual-machines/sizes/overview
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from unmoor.plan import Plan

EC2, GCE, AZURE = "us-east-1", "us-central1", "eastus"
# The memory of the machine's system and the proxy.
SYSTEM_MIB = 512 + 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine; `region` is that of its price."""

    name: str
    region: str
    arch: str
    cpu: int
    memory_mib: int


def _family(region: str, arch: str, **sizes: tuple[int, float]) -> list[Machine]:
    return [
        Machine(name=name, region=region, arch=arch, cpu=cpu, memory_mib=int(gib * 1024))
        for name, (cpu, gib) in sizes.items()
    ]


_SMALL = {"nano": (2, 0.5), "micro": (2, 1), "small": (2, 2), "medium": (2, 4)}
_LARGE = {"large": (2, 8), "xlarge": (4, 16), "2xlarge": (8, 32)}
_ALL = (
    *_family(EC2, "arm64", **{f"t4g.{size}": has for size, has in {**_SMALL, **_LARGE}.items()}),
    *_family(EC2, "arm64", **{f"m7g.{size}": has for size, has in _LARGE.items()}, **{"c7g.large": (2, 4)}),
    *_family(EC2, "amd64", **{f"t3.{size}": has for size, has in {**_SMALL, **_LARGE}.items()}),
    *_family(EC2, "amd64", **{"m6i.large": (2, 8), "m7i.large": (2, 8)}),
    *_family(GCE, "amd64", **{"e2-micro": (2, 1), "e2-small": (2, 2), "e2-medium": (2, 4)}),
    *_family(GCE, "amd64", **{"e2-standard-2": (2, 8), "e2-standard-4": (4, 16), "e2-standard-8": (8, 32)}),
    *_family(GCE, "arm64", **{"t2a-standard-1": (1, 4), "t2a-standard-2": (2, 8), "t2a-standard-4": (4, 16)}),
    *_family(AZURE, "amd64", B1s=(1, 1), B1ms=(1, 2), B2s=(2, 4), B2ms=(2, 8), B2s_v2=(2, 8)),
    *_family(AZURE, "amd64", D2s_v5=(2, 8), D4s_v5=(4, 16), D8s_v5=(8, 32), D2as_v5=(2, 8)),
)
MACHINES = MappingProxyType({machine.name: machine for machine in _ALL})


def required_mib(plan: Plan, runs: int | None = None) -> int:
    """The memory that the agent may use with that many concurrent runs, by default the maximum."""
    kept = plan.gateway.max * plan.service_memory_mib + plan.guard.memory_mib
    if plan.run.isolation == "process":
        return kept
    launcher = plan.guard.memory_mib
    return kept + launcher + plan.run.memory_mib * (plan.run.max_concurrent if runs is None else runs)


def fits(machine: Machine, plan: Plan) -> bool:
    """Whether the machine has the architecture, the largest container's processors, and memory for all."""
    return _runs_on(machine, plan) and agents_on(machine, plan) > 0


def agents_on(machine: Machine, plan: Plan) -> int:
    """How many such agents fit by memory; processors are shared."""
    return max(machine.memory_mib - SYSTEM_MIB, 0) // required_mib(plan) if _runs_on(machine, plan) else 0


def runs_on(machine: Machine, plan: Plan) -> int:
    """How many concurrent runs fit by memory, with nothing else on the machine."""
    left = machine.memory_mib - SYSTEM_MIB - required_mib(plan, runs=0)
    return max(left, 0) // plan.run.memory_mib if _runs_on(machine, plan) else 0


def _runs_on(machine: Machine, plan: Plan) -> bool:
    return machine.arch == plan.run.arch and machine.cpu >= max(plan.run.cpu, plan.service_cpu)
