"""What a deployment to Container Apps needs on this machine and in the user's account."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.doctor.account import account_findings
from unmoor.doctor.docker_build import builder_findings
from unmoor.errors import UnmoorError
from unmoor.findings import Finding, failure, note, ok
from unmoor.operate.platform_api import Api
from unmoor.plan import Plan

from .account import arm, caller_identity, known_subscription
from .settings import ContainerAppsSettings

LOG_IN = "log in by az login, or set ARM_TENANT_ID, ARM_CLIENT_ID and ARM_CLIENT_SECRET"
# A subscription uses a provider only after it was registered, which Pulumi's provider does not do:
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-types
PROVIDERS = ("App", "ContainerRegistry", "Insights", "KeyVault", "ManagedIdentity", "OperationalInsights", "Storage")
PROVIDERS_VERSION = "api-version=2021-04-01"
USAGES_VERSION = "api-version=2025-01-01"


def doctor(plan: Plan | None, settings: ContainerAppsSettings | None) -> Iterator[Finding]:
    subscription = known_subscription((settings.subscription_id if settings else None) or "")
    found = list(account_findings(lambda: caller_identity(subscription), where="Azure", todo=LOG_IN))
    yield from found
    if subscription and not any(f.state == "wrong" for f in found):
        yield provider_finding(subscription, arm())
        if settings and not settings.environment_id:
            yield from environment_findings(subscription, settings.location, arm())
    yield from builder_findings(plan)


def provider_finding(subscription: str, api: Api) -> Finding:
    """Whether the subscription has registered every resource provider that a deployment uses."""
    missing: list[str] = []
    for name in PROVIDERS:
        path = f"/subscriptions/{subscription}/providers/Microsoft.{name}?{PROVIDERS_VERSION}"
        try:
            state = api.get(path).get("registrationState")
        except UnmoorError as error:
            return note("providers", f"cannot tell which providers are registered: {error}")
        if state != "Registered":
            missing.append(f"Microsoft.{name}")
    if not missing:
        return ok("providers", "every resource provider is registered")
    commands = "; ".join(f"az provider register --wait --namespace {name}" for name in missing)
    return failure("providers", f"not registered: {', '.join(missing)}", f"run {commands}")


def environment_findings(subscription: str, location: str, api: Api) -> Iterator[Finding]:
    """Whether the region has room for one more environment; nothing if Azure does not tell."""
    path = f"/subscriptions/{subscription}/providers/Microsoft.App/locations/{location}/usages?{USAGES_VERSION}"
    try:
        usages = {u["name"]["value"]: u for u in api.get(path)["value"]}
    except (UnmoorError, KeyError, TypeError):
        return
    if usage := usages.get("ManagedEnvironmentCount"):
        used, limit = int(usage["currentValue"]), int(usage["limit"])
        said = f"{used} of {limit} Container Apps environments in {location}"
        todo = "for another agent, set environment_id to an existing environment, or request a larger quota"
        yield ok("environments", said) if used < limit else note("environments", said, todo)
