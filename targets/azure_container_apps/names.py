"""Azure's rules for names, and the names of the agent's resources.

Names within a resource group come from agent and environment alone. A vault, a storage account and a registry are
named in the whole world, and a deleted vault keeps its name for a week or more: these three, and a resource group that
is made, end in eight digits that are drawn once for the stack and kept in its state. So two stacks never collide, and
one that is made again after it was deleted, its data kept, finds its names free.
"""

from __future__ import annotations

import re

from unmoor.plan import Plan
from unmoor.plan.physical_names import NameRule, physical_name

RULES = "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules"
APP = NameRule(32, source=RULES)
ENVIRONMENT = NameRule(60, source=RULES)
IDENTITY = NameRule(128, source=RULES)
WORKSPACE = NameRule(63, source=RULES)
GROUP = NameRule(90, source=RULES)
STORAGE = NameRule(24, hyphens=False, source=RULES)
VAULT = NameRule(24, source=RULES)
REGISTRY = NameRule(50, hyphens=False, source=RULES)
NAME_LIMITS = {
    "azure-native:app:ContainerApp.containerAppName": APP.max_length,
    "azure-native:app:Job.jobName": APP.max_length,
    "azure-native:app:ManagedEnvironment.environmentName": ENVIRONMENT.max_length,
    "azure-native:containerregistry:Registry.registryName": REGISTRY.max_length,
    "azure-native:keyvault:Vault.vaultName": VAULT.max_length,
    "azure-native:managedidentity:UserAssignedIdentity.resourceName": IDENTITY.max_length,
    "azure-native:operationalinsights:Workspace.workspaceName": WORKSPACE.max_length,
    "azure-native:resources:ResourceGroup.resourceGroupName": GROUP.max_length,
    "azure-native:storage:StorageAccount.accountName": STORAGE.max_length,
}
# The digits that make a name unique in the world: bytes that are drawn, and the digits that they become.
UNIQUE_BYTES = 4
UNIQUE_DIGITS = 2 * UNIQUE_BYTES

# The blob container of the store; an account holds one agent's data alone.
CONTAINER = "store"
# The workload profiles of the environment: Azure's own machines, and the agent's own where there are any.
CONSUMPTION = "Consumption"
DEDICATED = "runs"


def name(plan: Plan, role: str, rule: NameRule = APP) -> str:
    """The physical name of one role of the agent; where Azure refuses two hyphens in a row, one and a digest."""
    plain = physical_name(plan, role, rule)
    if "--" not in plain:
        return plain
    return re.sub("-{2,}", "-", physical_name(plan, role, rule, scope="--"))


def before_digits(plan: Plan, rule: NameRule) -> str:
    """What stands before the eight digits in a name that is unique in the world."""
    room = rule.max_length - UNIQUE_DIGITS
    if not rule.hyphens:
        return re.sub(r"[^a-z0-9]", "", plan.agent + plan.environment)[:room]
    words = re.sub("-{2,}", "-", f"{plan.agent}-{plan.environment}")
    return words[: room - 1].rstrip("-") + "-"


def registry_server(registry_id: str) -> str:
    """The host name of an existing registry."""
    return f"{registry_id.rsplit('/', 1)[-1].lower()}.azurecr.io"


def secret_url(secret_id: str) -> str:
    """The address of an existing secret's newest version."""
    vault, _, secret = secret_id.split("/vaults/", 1)[1].partition("/secrets/")
    return f"https://{vault.lower()}.vault.azure.net/secrets/{secret}"
