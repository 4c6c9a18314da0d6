"""Azure Container Apps: an app that scales to zero, and a job whose execution is a run."""

from unmoor.target import Target

from .check import check
from .describe import LIMITS, adjustments, guarantees, part_mappings
from .names import NAME_LIMITS
from .settings import ContainerAppsSettings

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
    cost_by="unmoor.targets.azure_container_apps.cost:cost",
    packages=("azure-native", "docker-build", "random"),
    doctor_by="unmoor.targets.azure_container_apps.doctor:doctor",
    deployer_policy_by="unmoor.targets.azure_container_apps.deployer:deployer_policy",
    current_revision_by="unmoor.targets.azure_container_apps.serving:current_revision",
    name_limits=NAME_LIMITS,
)
