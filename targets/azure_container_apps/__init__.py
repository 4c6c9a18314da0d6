"""Azure Container Apps: an app that scales to zero, and a job whose execution is a run."""

from unmoor.target import CredentialsHint, Target

from .check import check
from .describe import LIMITS, adjustments, guarantees, part_mappings
from .failure_hints import FAILURE_HINTS
from .names import NAME_LIMITS
from .settings import ContainerAppsSettings

CREDENTIALS_HINT = CredentialsHint(
    r"az login|AADSTS\d+|could not (get|obtain) (authenticator|token)", "log in with `az login`"
)

target = Target(
    name="azure-container-apps",
    summary="Azure Container Apps: an app for the gateway, a job for runs",
    settings=ContainerAppsSettings,
    limits=LIMITS,
    check=check,
    adjustments=adjustments,
    part_mappings=part_mappings,
    guarantees=guarantees,
    build_by="unmoor.targets.azure_container_apps.program:build",
    access_by="unmoor.targets.azure_container_apps.access:access",
    stand_ins_by="unmoor.targets.azure_container_apps.stand_ins:STAND_INS",
    cost_by="unmoor.targets.azure_container_apps.cost:cost",
    price_sources_by="unmoor.targets.azure_container_apps.meters:PRICE_SOURCES",
    doctor_by="unmoor.targets.azure_container_apps.doctor:doctor",
    deployer_policy_by="unmoor.targets.azure_container_apps.deployer:deployer_policy",
    current_revision_by="unmoor.targets.azure_container_apps.serving:current_revision",
    packages=("azure-native", "docker-build", "random"),
    extra="unmoor[azure]",
    credentials_hint=CREDENTIALS_HINT,
    failure_hints=FAILURE_HINTS,
    init_example={"location": "westeurope"},
    name_limits=NAME_LIMITS,
)
