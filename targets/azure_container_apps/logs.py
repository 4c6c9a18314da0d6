"""Logs: one Log Analytics workspace; the environment writes to it by a diagnostic setting, without a key."""

from __future__ import annotations

import pulumi_azure_native as az

from .context import Context
from .names import WORKSPACE, name
from .sizes import log_days

# https://learn.microsoft.com/azure/container-apps/log-options#azure-monitor
CATEGORIES = ("ContainerAppConsoleLogs", "ContainerAppSystemLogs")


def logs(context: Context) -> az.operationalinsights.Workspace | None:
    """The agent's workspace; None in a shared environment, whose logs go where that environment sends them."""
    if context.settings.environment_id:
        return None
    cap = context.settings.logs_daily_gb
    return az.operationalinsights.Workspace(
        context.logical("logs"),
        workspace_name=name(context.plan, "logs", WORKSPACE),
        sku={"name": "PerGB2018"},
        retention_in_days=log_days(context.plan.retention.logs_s),
        workspace_capping={"daily_quota_gb": cap} if cap else None,
        features={"disable_local_auth": True, "enable_log_access_using_only_resource_permissions": True},
        **context.common_args,
    )


def collect(
    context: Context, workspace: az.operationalinsights.Workspace, environment: az.app.ManagedEnvironment
) -> None:
    """Send the logs of the environment's containers to the workspace."""
    az.monitor.DiagnosticSetting(
        context.logical("logs"),
        name="unmoor",
        resource_uri=environment.id,
        workspace_id=workspace.id,
        log_analytics_destination_type="Dedicated",
        logs=[{"category": c, "enabled": True} for c in CATEGORIES],
        opts=context.child,
    )
