"""What a user may set for Container Apps alone."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from unmoor.target import Settings

UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
GROUP = rf"/subscriptions/{UUID}/resourceGroups/[-\w.()]+"
SUBNET_ID = rf"^{GROUP}/providers/Microsoft\.Network/virtualNetworks/[-\w.]+/subnets/[-\w.]+$"
REGISTRY_ID = rf"^{GROUP}/providers/Microsoft\.ContainerRegistry/registries/[a-zA-Z0-9]+$"
# A secret of a Key Vault by its resource id, on which a role can be given; the vault must use Azure RBAC.
SECRET_ID = rf"^{GROUP}/providers/Microsoft\.KeyVault/vaults/[a-zA-Z][a-zA-Z0-9-]+/secrets/[a-zA-Z0-9-]+$"

Location = Annotated[str, StringConstraints(pattern=r"^[a-z]+[a-z0-9]*$")]
SubscriptionId = Annotated[str, StringConstraints(pattern=f"^{UUID}$")]
GroupName = Annotated[str, StringConstraints(max_length=90, pattern=r"^[-\w.()]*[-\w()]$")]
SubnetId = Annotated[str, StringConstraints(pattern=SUBNET_ID)]
RegistryId = Annotated[str, StringConstraints(pattern=REGISTRY_ID)]
SecretId = Annotated[str, StringConstraints(pattern=SECRET_ID)]


class WorkloadProfile(BaseModel):
    """Machines of the agent's own for its runs, where Consumption has no size that is large enough."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    type: Literal["D4", "D8", "D16", "D32", "E4", "E8", "E16", "E32"] = Field(
        description="The machine: D has 4 GiB for each processor, E has 8; the number is its processors."
    )
    min: Annotated[int, Field(ge=0, le=100)] = Field(0, description="Machines kept.")
    max: Annotated[int, Field(ge=1, le=100)] = Field(1, description="Machines at most.")


class ContainerAppsSettings(Settings):
    """Settings of `targets.azure-container-apps`; an existing secret is placed by its resource id in a Key Vault."""

    location: Location = Field(description="The Azure region, such as westeurope.")
    subscription_id: SubscriptionId | None = Field(
        None, description="The subscription; without it the one that whoever deploys is logged in to."
    )
    resource_group: GroupName | None = Field(None, description="An existing resource group; without it one is made.")
    infrastructure_subnet_id: SubnetId | None = Field(
        None,
        description="The id of an existing subnet, /27 or larger and delegated to Microsoft.App/environments; without "
        "it Azure's own network is used. An environment's network cannot be changed later.",
    )
    zone_redundant: bool = Field(
        False, description="Whether replicas and the store are spread over zones; needs infrastructure_subnet_id."
    )
    workload_profile: WorkloadProfile | None = Field(
        None, description="Dedicated machines for runs; without it Consumption, up to 4 processors and 8Gi."
    )
    registry: RegistryId | None = Field(
        None,
        description="The id of an existing container registry to build into, or to pull a given image from; without "
        "it one is made for an image that is built.",
    )
    registry_login: Literal["docker", "admin"] = Field(
        "docker",
        description="How a built image is pushed: with the login that docker on this machine has (az acr login), or "
        "with the admin user of the registry that is made, which is enabled for it.",
    )
    certificate: Literal["managed"] | SecretId | None = Field(
        None,
        description="For network.domain: `managed` is Azure's own certificate and needs the domain's DNS records in "
        "place; or the id of a Key Vault secret that holds a certificate with its key.",
    )
    logs_daily_gb: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="GiB of logs a day after which no more are taken in; without it there is no such cap."
    )
