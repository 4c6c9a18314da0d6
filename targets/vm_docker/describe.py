"""What a machine with Docker makes of a plan, for people: adjustments, parts, guarantees, limits."""

from __future__ import annotations

from unmoor.plan import ImageReference, Plan
from unmoor.quantities import duration_text, size_text
from unmoor.target import Adjustment, Guarantee, Limit, PartMapping
from unmoor.target.description import (
    SHARED_CONTAINER,
    adjustment,
    data_promise,
    describe_guarantees,
    describe_parts,
    run_retention_adjustment,
)

from .settings import DockerSettings
from .sizes import LOG_FILE_MIB, log_files

DOCS = "https://docs.docker.com"
RESOURCES_DOC = f"{DOCS}/engine/containers/resource_constraints/"
LIMITS = (
    Limit("request time", "none", "https://caddyserver.com/docs/caddyfile/directives/reverse_proxy"),
    Limit("run time", "none", RESOURCES_DOC),
    Limit("image platform", "the machine's own", RESOURCES_DOC),
    Limit("run size", "what the machine has", RESOURCES_DOC),
    Limit("disk", "what the machine has; measured, not limited by a quota", RESOURCES_DOC),
    Limit("stop grace", "any", f"{DOCS}/reference/cli/docker/container/run/#stop-timeout"),
    Limit("schedule", "one minute, any time zone", "https://github.com/cuu508/cronsim"),
)
CONTAINER, NETWORK, VOLUME = (f"docker:index/{kind.lower()}:{kind}" for kind in ("Container", "Network", "Volume"))


def public_name(plan: Plan, settings: DockerSettings) -> str | None:
    """The name under which Caddy serves the gateway by TLS; None if it is reached on loopback alone."""
    return (plan.network.domain or settings.hostname) if settings.proxy == "caddy" else None


def adjustments(plan: Plan, settings: DockerSettings) -> list[Adjustment]:
    """The requested values that the machine replaces."""
    gateway, retention = plan.gateway, plan.retention
    count = str(gateway.min) if gateway.min == gateway.max else f"{gateway.min} to {gateway.max}"
    files = f"{log_files(retention.logs_s)} files of {LOG_FILE_MIB}Mi for each container"
    return [
        *adjustment("gateway.min", count, str(gateway.max), "a machine does not scale, so the maximum always runs"),
        Adjustment(
            "retention.logs",
            duration_text(retention.logs_s),
            files,
            "Docker's json-file log rotates by size, not by age",
        ),
        *run_retention_adjustment(retention.runs_s, "swept once a day"),
        _disk(plan),
    ]


def _disk(plan: Plan) -> Adjustment:
    asked = size_text(plan.run.disk_mib)
    if plan.run.isolation == "process":
        why = "a volume has no quota, and runs share the gateway container's"
        return Adjustment("resources.disk", asked, "what the machine has", why)
    why = "a volume has no quota: a run over it is stopped, up to 10 s late"
    return Adjustment("resources.disk", asked, f"{asked}, measured", why)


def part_mappings(plan: Plan, settings: DockerSettings) -> list[PartMapping]:
    """What serves each part of the plan."""
    isolated = plan.run.isolation == "container"
    referenced = isinstance(plan.image, ImageReference)
    return describe_parts(
        gateway=(f"{plan.gateway.max} containers behind Caddy", CONTAINER),
        run=("a container from the launcher" if isolated else "in the gateway's container", CONTAINER),
        guard=("its own container", CONTAINER),
        schedules="the gateway's own scheduler" if plan.schedules else "-",
        email="the gateway" if plan.mailboxes else "-",
        secrets=("files in volumes, mounted only by their holder", VOLUME),
        store=("volumes, one for each prefix", VOLUME),
        identity=("uids, volumes and networks", NETWORK),
        logs=("json-file with rotation", CONTAINER),
        image="the reference, pulled by the machine" if referenced else "built on the machine",
        network=("internal networks; only the guard's has egress", NETWORK),
    )


def guarantees(plan: Plan, settings: DockerSettings) -> list[Guarantee]:
    """What a machine with Docker promises for this plan."""
    public = public_name(plan, settings)
    isolated = plan.run.isolation == "container"
    return describe_guarantees(
        model_key=("enforced", "it is in a volume that only the guard's container mounts"),
        egress=(
            "enforced",
            "a run's network is internal; of its members only the guard has egress",
            f"{DOCS}/engine/network/drivers/bridge/",
        ),
        isolation=("enforced", "each run has its own container; they share a kernel") if isolated else SHARED_CONTAINER,
        read_only=("enforced", "--read-only"),
        tls=(
            "enforced",
            "Caddy's own certificates; 80 redirects" if public else "it listens only on loopback",
            "https://caddyserver.com/docs/automatic-https",
        ),
        data=data_promise(settings, "the store's volumes are"),
        missed=("advisory", "the gateway follows schedule.missed once the machine is back"),
        scale_to_zero=("absent", "its containers always run"),
    )
