"""The environment: the network of the agent's containers, Azure's own or an existing subnet."""

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
    """The environment, and the workload profile of runs."""

    environment: az.app.ManagedEnvironment
    run_profile: str


def network(
    context: Context, workspace: az.operationalinsights.Workspace, *, certificate_by: pulumi.Input[str] | None
) -> Network:
    """The environment; `certificate_by` is the identity that reads a domain's certificate."""
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
    return Network(environment=environment, run_profile=DEDICATED if context.settings.workload_profile else CONSUMPTION)


def _profiles(context: Context) -> list[Any]:
    shared: Any = {"name": CONSUMPTION, "workload_profile_type": CONSUMPTION, "enable_fips": False}
    own = context.settings.workload_profile
    if own is None:
        return [shared]
    bounds = {"workload_profile_type": own.type, "minimum_count": own.min, "maximum_count": own.max}
    return [shared, {**shared, "name": DEDICATED, **bounds}]
