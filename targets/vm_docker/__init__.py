"""A plain machine with Docker, reached by SSH or its local socket."""

from unmoor.target import Target

from .check import check
from .describe import LIMITS, adjustments, guarantees, part_mappings
from .names import NAME_LIMITS
from .settings import DockerSettings

target = Target(
    name="vm-docker",
    summary="Containers on a machine with Docker, behind Caddy",
    settings=DockerSettings,
    limits=LIMITS,
    check=check,
    adjustments=adjustments,
    part_mappings=part_mappings,
    guarantees=guarantees,
    build_by="unmoor.targets.vm_docker.program:build",
    access_by="unmoor.targets.vm_docker.access:access",
    cost_by="unmoor.targets.vm_docker.cost:cost",
    price_sources_by="unmoor.targets.vm_docker.meters:PRICE_SOURCES",
    doctor_by="unmoor.targets.vm_docker.doctor:doctor",
    deployer_policy_by="unmoor.targets.vm_docker.deployer:deployer_policy",
    current_revision_by="unmoor.targets.vm_docker.serving:current_revision",
    tunnel_by="unmoor.targets.vm_docker.tunnel:open_tunnel",
    packages=("docker", "random"),
    extra="unmoor[vm]",
    init_example={"host": "local"},
    name_limits=NAME_LIMITS,
)
