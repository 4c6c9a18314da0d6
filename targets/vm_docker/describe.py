"""What a machine with Docker makes of a plan, for people: roundings, what serves each part, guarantees, limits."""

from __future__ import annotations

from unmoor.plan import Plan
from unmoor.quantities import duration_text, size_text
from unmoor.target import Adjustment, Guarantee, Limit, PartMapping

from .settings import DockerSettings
from .sizes import LOG_FILE_MIB, days, log_files

DOCKER_DOC = "https://docs.docker.com/engine/containers/resource_constraints/"
LIMITS = (
    Limit(topic="request time", value="none", source="https://caddyserver.com/docs/caddyfile/directives/reverse_proxy"),
    Limit(topic="run time", value="none", source=DOCKER_DOC),
    Limit(topic="image platform", value="the machine's own", source=DOCKER_DOC),
    Limit(topic="run size", value="what the machine has", source=DOCKER_DOC),
    Limit(topic="disk", value="what the machine has; measured, not fenced", source=DOCKER_DOC),
    Limit(
        topic="stop grace",
        value="any",
        source="https://docs.docker.com/reference/cli/docker/container/run/#stop-timeout",
    ),
    Limit(topic="schedule", value="one minute, any time zone", source="https://github.com/cuu508/cronsim"),
)


def public_name(plan: Plan, settings: DockerSettings) -> str | None:
    """The name under which Caddy serves the gateway by TLS, or None where it is reached on loopback alone."""
    return (plan.network.domain or settings.hostname) if settings.proxy == "caddy" else None


def adjustments(plan: Plan, settings: DockerSettings) -> list[Adjustment]:
    """What is given a little differently from what was asked."""
    gateway, kept = plan.gateway, plan.retention
    found: list[Adjustment] = []
    if gateway.min != gateway.max:
        why = "a machine neither wakes nor adds containers, so as many run as may"
        asked = f"{gateway.min} to {gateway.max}"
        found.append(Adjustment(path="gateway.min", asked=asked, given=str(gateway.max), why=why))
    why = "Docker's json-file log rotates by size, not by age"
    size = f"{log_files(kept.logs_s)} files of {LOG_FILE_MIB}Mi for each container"
    found.append(Adjustment(path="retention.logs", asked=duration_text(kept.logs_s), given=size, why=why))
    if kept.runs_s % 86400:
        given = f"{days(kept.runs_s)}d"
        found.append(
            Adjustment(path="retention.runs", asked=duration_text(kept.runs_s), given=given, why="swept once a day")
        )
    found.append(_disk(plan))
    return found


def _disk(plan: Plan) -> Adjustment:
    asked = size_text(plan.run.disk_mib)
    if plan.run.isolation == "process":
        why = "a volume has no quota, and runs in the gateway's container share one"
        return Adjustment(path="resources.disk", asked=asked, given="what the machine has", why=why)
    why = "a volume has no quota: a run that is found over it is ended, up to 10 s late"
    return Adjustment(path="resources.disk", asked=asked, given=f"{asked}, measured", why=why)


def part_mappings(plan: Plan, settings: DockerSettings) -> list[PartMapping]:
    """What serves each part of the plan here."""
    container, volume = "docker:index/container:Container", "docker:index/volume:Volume"
    apart = plan.run.isolation == "container"
    built = {"ImageReference": "the reference, pulled by the machine"}.get(
        type(plan.image).__name__, "built on the machine"
    )
    return [
        PartMapping(part="gateway", by=f"{plan.gateway.max} containers behind Caddy", types=(container,)),
        PartMapping(
            part="run",
            by="a container from the launcher" if apart else "in the gateway's container",
            types=(container,),
        ),
        PartMapping(part="guard", by="a container of its own", types=(container,)),
        PartMapping(part="schedules", by="the gateway's own scheduler" if plan.schedules else "-"),
        PartMapping(part="email", by="the gateway" if plan.mailboxes else "-"),
        PartMapping(part="secrets", by="files in volumes, read by their holder alone", types=(volume,)),
        PartMapping(part="store", by="volumes, one for each prefix", types=(volume,)),
        PartMapping(part="identity", by="uids, volumes and networks", types=("docker:index/network:Network",)),
        PartMapping(part="logs", by="json-file with rotation", types=(container,)),
        PartMapping(part="image", by=built),
        PartMapping(
            part="network", by="networks without a way out, but the guard's", types=("docker:index/network:Network",)
        ),
    ]


def guarantees(plan: Plan, settings: DockerSettings) -> list[Guarantee]:
    """What a machine with Docker promises for this plan."""
    apart = plan.run.isolation == "container"
    public = public_name(plan, settings)
    return [
        Guarantee(
            topic="the run cannot read the model key",
            strength="enforced",
            by="it lies in a volume that only the guard's container mounts",
        ),
        Guarantee(
            topic="a run reaches only its egress list",
            strength="enforced",
            by="its network has no way out; the guard is the only one on it that has",
            source="https://docs.docker.com/engine/network/drivers/bridge/",
        ),
        Guarantee(
            topic="one run cannot see another",
            strength="enforced" if apart else "advisory",
            by="a container of its own; runs share a kernel" if apart else "runs share the gateway's container",
        ),
        Guarantee(
            topic="the run's file system outside its workspace is read-only", strength="enforced", by="--read-only"
        ),
        Guarantee(
            topic="everything public is served by TLS",
            strength="enforced",
            by="Caddy's own certificates; 80 redirects" if public else "only loopback is listened on",
            source="https://caddyserver.com/docs/automatic-https",
        ),
        Guarantee(
            topic="data survives deletion of the stack",
            strength="absent" if settings.destroy_data else "enforced",
            by="destroy_data is set" if settings.destroy_data else "the store's volumes are retained",
        ),
        Guarantee(
            topic="a missed schedule",
            strength="advisory",
            by="is made up for as schedule.missed says, once the machine is back",
        ),
        Guarantee(topic="the gateway scales to zero", strength="absent", by="its containers are always there"),
    ]
