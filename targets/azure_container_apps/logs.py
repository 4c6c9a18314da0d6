"""Logs: one Log Analytics workspace, which the environment writes to by a diagnostic setting, so without a key."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi_azure_native as az

from .context import Context
from .names import WORKSPACE, name
from .sizes import log_days

# https://learn.microsoft.com/azure/container-apps/log-options#azure-monitor
CATEGORIES = ("ContainerAppConsoleLogs", "ContainerAppSystemLogs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """The workspace that holds the logs of all containers."""

    workspace: az.operationalinsights.Workspace


def logs(context: Context) -> Logs:
    """The workspace, with the plan's retention and the settings' daily cap."""
    cap = context.settings.logs_daily_gb
    workspace = az.operationalinsights.Workspace(
        context.logical("logs"),
        workspace_name=name(context.plan, "logs", WORKSPACE),
        resource_group_name=context.group,
        location=context.settings.location,
        sku=az.operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
        retention_in_days=log_days(context.plan.retention.logs_s),
        workspace_capping=az.operationalinsights.WorkspaceCappingArgs(daily_quota_gb=cap) if cap else None,
        features=az.operationalinsights.WorkspaceFeaturesArgs(
            disable_local_auth=True, enable_log_access_using_only_resource_permissions=True
        ),
        tags=context.tags,
        opts=context.child,
    )
    return Logs(workspace=workspace)


def collect(context: Context, logs: Logs, environment: az.app.ManagedEnvironment) -> None:
    """From here on what the environment's containers write lands in the workspace."""
    az.monitor.DiagnosticSetting(
        context.logical("logs"),
        name="unmoor",
        resource_uri=environment.id,
        workspace_id=logs.workspace.id,
        log_analytics_destination_type="Dedicated",
        logs=[az.monitor.DiagnosticsLogSettingsArgs(category=c, enabled=True) for c in CATEGORIES],
        opts=context.child,
    )
