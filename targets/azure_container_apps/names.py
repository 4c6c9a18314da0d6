"""Azure's rules for names, and the names of the agent's resources.

Names in a resource group come from agent and environment. Vaults, storage accounts and registries need globally unique
names, and a deleted vault blocks its name for a week or more. These and a created resource group end in eight random
digits from the stack's state, so a stack that is deleted and created again finds free names.
"""

from __future__ import annotations

import hashlib
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
# The random digits of a globally unique name, in bytes and in digits.
UNIQUE_BYTES = 4
UNIQUE_DIGITS = 2 * UNIQUE_BYTES

# The blob container of the store; an account holds the data of one agent.
CONTAINER = "store"
# The workload profiles of the environment: shared and dedicated machines.
CONSUMPTION = "Consumption"
DEDICATED = "runs"


def name(plan: Plan, role: str, rule: NameRule = APP) -> str:
    """The physical name of one role, with a digest in place of two hyphens in a row, which Azure refuses."""
    plain = physical_name(plan, role, rule)
    if "--" not in plain:
        return plain
    return re.sub("-{2,}", "-", physical_name(plan, role, rule, scope="--"))


def managed_certificate_name(plan: Plan) -> str:
    """A managed certificate's name, which changes with the host name: Azure refuses another name in a certificate that
    is in use.
    """
    digest = hashlib.sha256((plan.network.domain or "").encode()).hexdigest()[:8]
    return name(plan, f"domain-{digest}", ENVIRONMENT)


def before_digits(plan: Plan, rule: NameRule) -> str:
    """The part of a globally unique name before its eight digits."""
    room = rule.max_length - UNIQUE_DIGITS
    if not rule.hyphens:
        return re.sub(r"[^a-z0-9]", "", plan.agent + plan.environment)[:room]
    words = re.sub("-{2,}", "-", f"{plan.agent}-{plan.environment}")
    return words[: room - 1].rstrip("-") + "-"


def registry_server(registry_id: str) -> str:
    """The host name of an existing registry."""
    return f"{registry_id.rsplit('/', 1)[-1].lower()}.azurecr.io"


def secret_url(secret_id: str) -> str:
    """The URL of an existing secret's newest version."""
    vault, _, secret = secret_id.split("/vaults/", 1)[1].partition("/secrets/")
    return f"https://{vault.lower()}.vault.azure.net/secrets/{secret}"
