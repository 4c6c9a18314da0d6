"""The settings of the target azure-container-apps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from unmoor.target import Settings

UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
GROUP = rf"/subscriptions/{UUID}/resourceGroups/[-\w.()]+"
SUBNET_ID = rf"^{GROUP}/providers/Microsoft\.Network/virtualNetworks/[-\w.]+/subnets/[-\w.]+$"
REGISTRY_ID = rf"^{GROUP}/providers/Microsoft\.ContainerRegistry/registries/[a-zA-Z0-9]+$"
# A Key Vault secret by its resource id, for role assignments; the vault must use Azure RBAC.
SECRET_ID = rf"^{GROUP}/providers/Microsoft\.KeyVault/vaults/[a-zA-Z][a-zA-Z0-9-]+/secrets/[a-zA-Z0-9-]+$"

ENVIRONMENT_ID = rf"^{GROUP}/providers/Microsoft\.App/managedEnvironments/[-\w.]+$"

Location = Annotated[str, StringConstraints(pattern=r"^[a-z]+[a-z0-9]*$")]
SubscriptionId = Annotated[str, StringConstraints(pattern=f"^{UUID}$")]
GroupName = Annotated[str, StringConstraints(max_length=90, pattern=r"^[-\w.()]*[-\w()]$")]
SubnetId = Annotated[str, StringConstraints(pattern=SUBNET_ID)]
EnvironmentId = Annotated[str, StringConstraints(pattern=ENVIRONMENT_ID)]
RegistryId = Annotated[str, StringConstraints(pattern=REGISTRY_ID)]
SecretId = Annotated[str, StringConstraints(pattern=SECRET_ID)]


class WorkloadProfile(BaseModel):
    """Dedicated machines for runs that are larger than Consumption allows."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    type: Literal["D4", "D8", "D16", "D32", "E4", "E8", "E16", "E32"] = Field(
        description="The machine type. D has 4 GiB for each processor, E has 8. The number is its processors."
    )
    min: Annotated[int, Field(ge=0, le=100)] = Field(0, description="The least number of machines.")
    max: Annotated[int, Field(ge=1, le=100)] = Field(1, description="The greatest number of machines.")


class ContainerAppsSettings(Settings):
    """Settings of `targets.azure-container-apps`. An existing secret is named by its resource id in a Key Vault."""

    location: Location = Field(description="The Azure region, such as westeurope.")
    subscription_id: SubscriptionId | None = Field(
        None, description="The subscription. Default: that of the deploying user's login."
    )
    resource_group: GroupName | None = Field(None, description="An existing resource group. Default: a new one.")
    infrastructure_subnet_id: SubnetId | None = Field(
        None,
        description="The id of an existing subnet, /27 or larger and delegated to Microsoft.App/environments. "
        "Default: Azure's own network. An environment's network cannot be changed later.",
    )
    environment_id: EnvironmentId | None = Field(
        None,
        description="The id of an existing Container Apps environment in the same region, which agents can share: a "
        "subscription has room for few. Default: one of the agent's own.",
    )
    zone_redundant: bool = Field(
        False, description="Whether replicas and the store are spread over zones. Needs infrastructure_subnet_id."
    )
    workload_profile: WorkloadProfile | None = Field(
        None, description="Dedicated machines for runs. Default: Consumption, up to 4 vCPU and 8Gi."
    )
    registry: RegistryId | None = Field(
        None,
        description="The id of an existing container registry to push a built image to, or to pull `image` from. "
        "Default: a new one for a built image.",
    )
    registry_login: Literal["entra", "docker"] = Field(
        "entra",
        description="How a built image is pushed: with the Entra login that deploys, or with docker's login on this "
        "machine (az acr login). The registry has no admin user.",
    )
    certificate: Literal["managed"] | SecretId | None = Field(
        None,
        description="The certificate of network.domain: `managed` for one from Azure, which needs the domain's DNS "
        "records first, or the id of a Key Vault secret that holds a certificate and its key.",
    )
    logs_daily_gb: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="The limit of logs ingested in a day, in GiB. Default: no limit."
    )
