"""Cloud Run: a service in front, a job execution for each run, and the guard as a service of its own."""

from unmoor.target import Target

from .check import check
from .describe import LIMITS, adjustments, guarantees, part_mappings
from .names import NAME_LIMITS
from .settings import CloudRunSettings

target = Target(
    name="gcp-cloud-run",
    summary="Cloud Run, a service that scales to zero and a job execution for each run",
    settings=CloudRunSettings,
    limits=LIMITS,
    check=check,
    adjustments=adjustments,
    part_mappings=part_mappings,
    guarantees=guarantees,
    build_by="unmoor.targets.gcp_cloud_run.program:build",
    access_by="unmoor.targets.gcp_cloud_run.access:access",
    cost_by="unmoor.targets.gcp_cloud_run.cost:cost",
    packages=("docker-build", "gcp", "random"),
    doctor_by="unmoor.targets.gcp_cloud_run.doctor:doctor",
    deployer_policy_by="unmoor.targets.gcp_cloud_run.deployer:deployer_policy",
    current_revision_by="unmoor.targets.gcp_cloud_run.serving:current_revision",
    name_limits=NAME_LIMITS,
)
