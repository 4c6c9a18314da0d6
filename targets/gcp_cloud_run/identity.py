"""Service accounts for gateway, runs, guard and schedules; none has a key.

Every container of an instance can get the account's token, so parts with different rights need separate instances.
https://docs.cloud.google.com/run/docs/securing/service-identity
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi_gcp as gcp

from unmoor.plan import Holder, Plan

from .container_sizes import isolated_runs
from .context import Context
from .names import ACCOUNT, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """Accounts by role; None if the gateway runs the runs or fires the schedules."""

    gateway: gcp.serviceaccount.Account
    guard: gcp.serviceaccount.Account
    run: gcp.serviceaccount.Account | None
    schedules: gcp.serviceaccount.Account | None

    @property
    def caller(self) -> gcp.serviceaccount.Account:
        """The account with which runs call the guard."""
        return self.run or self.gateway

    @property
    def workers(self) -> dict[str, gcp.serviceaccount.Account]:
        """The accounts of containers, by role."""
        return {"gateway": self.gateway, "guard": self.guard, **({"run": self.run} if self.run else {})}


def identities(context: Context) -> Identities:
    own_runs = context.isolated_runs
    return Identities(
        gateway=_account(context, "gateway"),
        guard=_account(context, "guard"),
        run=_account(context, "run") if own_runs else None,
        schedules=_account(context, "schedules") if own_runs and context.plan.schedules else None,
    )


def parts(plan: Plan, role: str) -> tuple[Holder, ...]:
    """The parts of the agent that use the account of a role."""
    if role == "gateway":
        return ("gateway",) if isolated_runs(plan) else ("gateway", "run")
    return ("guard",) if role == "guard" else ("run",)


def _account(context: Context, role: str) -> gcp.serviceaccount.Account:
    return gcp.serviceaccount.Account(
        context.logical(role),
        account_id=name(context.plan, role, ACCOUNT),
        display_name=f"unmoor {context.plan.agent} {role}",
        description=f"{role} of the agent {context.plan.agent} in {context.plan.environment}",
        opts=context.using("iam"),
    )
