"""Cloud Run: a service in front, a job execution for each run, and the guard as a service of its own."""

from unmoor.target import CredentialsHint, Target

from .check import check
from .describe import LIMITS, adjustments, guarantees, part_mappings
from .failure_hints import FAILURE_HINTS, RECREATED_IF_NEVER_READY
from .names import NAME_LIMITS
from .settings import CloudRunSettings

CREDENTIALS_HINT = CredentialsHint(
    r"could not find default credentials|No credentials loaded|invalid_grant|oauth2: |Unauthenticated",
    "log in with `gcloud auth application-default login`",
)

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
    stand_ins_by="unmoor.targets.gcp_cloud_run.stand_ins:STAND_INS",
    cost_by="unmoor.targets.gcp_cloud_run.cost:cost",
    price_sources_by="unmoor.targets.gcp_cloud_run.meters:PRICE_SOURCES",
    doctor_by="unmoor.targets.gcp_cloud_run.doctor:doctor",
    deployer_policy_by="unmoor.targets.gcp_cloud_run.deployer:deployer_policy",
    current_revision_by="unmoor.targets.gcp_cloud_run.serving:current_revision",
    packages=("docker-build", "gcp", "random"),
    extra="unmoor[gcp]",
    credentials_hint=CREDENTIALS_HINT,
    failure_hints=FAILURE_HINTS,
    recreated_if_never_ready=RECREATED_IF_NEVER_READY,
    init_example={"project": "my-project", "region": "europe-west1"},
    name_limits=NAME_LIMITS,
)
