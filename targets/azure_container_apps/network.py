"""The environment of the agent's containers, in Azure's network or an existing subnet; or a shared environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_azure_native as az

from .context import Context
from .logs import collect
from .names import CONSUMPTION, DEDICATED, ENVIRONMENT, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The environment's id, the environment itself unless it is shared, and the workload profile of runs."""

    environment_id: pulumi.Input[str]
    own: az.app.ManagedEnvironment | None
    run_profile: str

    @property
    def certificates(self) -> az.app.ManagedEnvironment:
        """The environment that holds the domain's certificate; check() refuses a domain in a shared one."""
        assert self.own is not None, "check() refuses a domain in a shared environment"
        return self.own


def network(
    context: Context, workspace: az.operationalinsights.Workspace | None, *, certificate_by: pulumi.Input[str] | None
) -> Network:
    """The environment; `certificate_by` is the identity that reads a domain's certificate. A shared one has no
    workspace of the agent's.
    """
    if context.settings.environment_id or workspace is None:
        shared = context.settings.environment_id
        assert shared, "only a shared environment has no workspace"
        return Network(environment_id=shared, own=None, run_profile=CONSUMPTION)
    subnet = context.settings.infrastructure_subnet_id
    environment = az.app.ManagedEnvironment(
        context.logical("environment"),
        environment_name=name(context.plan, "", ENVIRONMENT),
        app_logs_configuration={"destination": "azure-monitor"},
        vnet_configuration={"infrastructure_subnet_id": subnet, "internal": False} if subnet else None,
        workload_profiles=_profiles(context),
        zone_redundant=context.settings.zone_redundant,
        public_network_access="Enabled",
        identity={"type": "UserAssigned", "user_assigned_identities": [certificate_by]}
        if certificate_by is not None
        else None,
        **context.common_args,
    )
    collect(context, workspace, environment)
    profile = DEDICATED if context.settings.workload_profile else CONSUMPTION
    return Network(environment_id=environment.id, own=environment, run_profile=profile)


def _profiles(context: Context) -> list[Any]:
    shared: Any = {"name": CONSUMPTION, "workload_profile_type": CONSUMPTION, "enable_fips": False}
    own = context.settings.workload_profile
    if own is None:
        return [shared]
    bounds = {"workload_profile_type": own.type, "minimum_count": own.min, "maximum_count": own.max}
    return [shared, {**shared, "name": DEDICATED, **bounds}]
