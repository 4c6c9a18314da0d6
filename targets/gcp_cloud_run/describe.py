"""What Cloud Run makes of a plan, for people: roundings, what serves each part, guarantees, limits."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from unmoor.plan import ImageReference, Plan
from unmoor.quantities import cpu_text, duration_text, size_text
from unmoor.target import Adjustment, Guarantee, Limit, PartMapping

from .container_sizes import (
    disk_mib,
    guard_request,
    has_cpu_between_requests,
    instances,
    isolated_runs,
    run_request,
    service_request,
)
from .dst import is_affected_by_dst
from .registries import makes_repository
from .settings import CloudRunSettings
from .sizes import cloud_run_size, days, log_days

RUN_DOCS = "https://docs.cloud.google.com/run/docs"
CRON_DOC = "https://docs.cloud.google.com/scheduler/docs/configuring/cron-job-schedules"
LIMITS = (
    Limit(topic="request time", value="3600 s", source=f"{RUN_DOCS}/configuring/request-timeout"),
    Limit(topic="run time", value="168 h", source=f"{RUN_DOCS}/configuring/task-timeout"),
    Limit(topic="image platform", value="linux/amd64", source=f"{RUN_DOCS}/container-contract"),
    Limit(
        topic="run size",
        value="1, 2, 4, 6 or 8 processors, up to 32 GiB",
        source=f"{RUN_DOCS}/configuring/services/memory-limits",
    ),
    Limit(
        topic="disk",
        value="10 GiB at least, and 10 GiB an instance and 100 GiB a region until Google raises the quota; "
        "not in every region",
        source=f"{RUN_DOCS}/configuring/jobs/ephemeral-disk",
    ),
    Limit(topic="stop grace", value="10 s", source=f"{RUN_DOCS}/container-contract"),
    Limit(
        topic="schedule",
        value="one minute, any time zone; by the wall clock, so a time that a change of clocks leaves out or repeats "
        "may fire never or twice that day",
        source=CRON_DOC,
    ),
)
SERVICE, JOB = "gcp:cloudrunv2/service:Service", "gcp:cloudrunv2/job:Job"


def adjustments(plan: Plan, settings: CloudRunSettings) -> list[Adjustment]:
    """What becomes larger than asked, and what is not quite what was asked."""
    return [*_sizes(plan, settings), *_scale(plan), *_retention(plan), *_clocks(plan)]


def _sizes(plan: Plan, settings: CloudRunSettings) -> Iterator[Adjustment]:
    if isolated_runs(plan):
        yield from _size("resources", run_request(plan, settings))
    yield from _size("gateway", service_request(plan, settings))
    yield from _size("guard", guard_request(plan))
    given = disk_mib(plan, settings)
    if given != plan.run.disk_mib:
        asked, why = size_text(plan.run.disk_mib), "a disk has whole Gi, 10 at least"
        yield Adjustment(path="resources.disk", asked=asked, given=size_text(given), why=why)


def _size(path: str, wanted: tuple[Decimal, int]) -> Iterator[Adjustment]:
    given = cloud_run_size(*wanted)
    if given is not None and wanted != (given.cpu, given.memory_mib):
        asked = f"{cpu_text(wanted[0])} processors and {size_text(wanted[1])} with all that runs in it"
        size = f"{given.cpu} and {size_text(given.memory_mib)}"
        yield Adjustment(path=path, asked=asked, given=size, why="the next size that Cloud Run has")


def _scale(plan: Plan) -> Iterator[Adjustment]:
    if instances(plan) > plan.gateway.min:
        why = "a mailbox is read" if isolated_runs(plan) else "runs live in it"
        asked, given = str(plan.gateway.min), str(instances(plan))
        yield Adjustment(path="gateway.min", asked=asked, given=given, why=f"{why} unasked")


def _retention(plan: Plan) -> Iterator[Adjustment]:
    kept = log_days(plan.retention.logs_s)
    if kept is not None and kept * 86400 != plan.retention.logs_s:
        asked = duration_text(plan.retention.logs_s)
        yield Adjustment(path="retention.logs", asked=asked, given=f"{kept}d", why="Cloud Logging counts whole days")
    if plan.retention.runs_s % 86400:
        asked, given = duration_text(plan.retention.runs_s), f"{days(plan.retention.runs_s)}d"
        yield Adjustment(path="retention.runs", asked=asked, given=given, why="Cloud Storage counts whole days")


def _clocks(plan: Plan) -> Iterator[Adjustment]:
    """Where the gateway fires the schedules, it knows what to do when clocks change."""
    for schedule in plan.schedules if isolated_runs(plan) else ():
        if is_affected_by_dst(schedule):
            yield Adjustment(
                path=f"triggers[{schedule.name}].schedule.cron",
                asked="once at each time that it names",
                given="perhaps never or twice on a day when clocks change",
                why=f"Cloud Scheduler goes by the wall clock of {schedule.timezone}",
            )


def part_mappings(plan: Plan, settings: CloudRunSettings) -> list[PartMapping]:
    """What serves each part of the plan here."""
    made = ("gcp:secretmanager/secret:Secret",) if any(s.source != "existing" for s in plan.secrets) else ()
    front = "service behind a global load balancer" if plan.network.domain else "service with HTTPS"
    return [
        PartMapping(part="gateway", by=front, types=(SERVICE,)),
        PartMapping(part="run", by="an execution of a job", types=(JOB,))
        if isolated_runs(plan)
        else PartMapping(part="run", by="in the gateway", types=(SERVICE,)),
        PartMapping(part="guard", by="a service of its own, which only runs may call", types=(SERVICE,)),
        _schedules(plan),
        PartMapping(part="email", by="the gateway" if plan.mailboxes else "-"),
        PartMapping(part="secrets", by="Secret Manager", types=made),
        PartMapping(part="store", by="Cloud Storage bucket", types=("gcp:storage/bucket:Bucket",)),
        PartMapping(part="identity", by="service accounts", types=("gcp:serviceaccount/account:Account",)),
        PartMapping(
            part="logs",
            by="log bucket of its own in Cloud Logging",
            types=("gcp:logging/projectBucketConfig:ProjectBucketConfig",),
        ),
        _image(plan),
        _network(settings),
    ]


def _schedules(plan: Plan) -> PartMapping:
    if not plan.schedules:
        return PartMapping(part="schedules", by="-")
    if not isolated_runs(plan):
        return PartMapping(part="schedules", by="the gateway's own scheduler")
    by = "Cloud Scheduler, which starts the run's job"
    return PartMapping(part="schedules", by=by, types=("gcp:cloudscheduler/job:Job",))


def _image(plan: Plan) -> PartMapping:
    repository = ("gcp:artifactregistry/repository:Repository",) if makes_repository(plan.image) else ()
    if not isinstance(plan.image, ImageReference):
        return PartMapping(part="image", by="built into Artifact Registry", types=repository)
    by = f"Artifact Registry, standing for {plan.image.registry}" if repository else plan.image.reference
    return PartMapping(part="image", by=by, types=repository)


def _network(settings: CloudRunSettings) -> PartMapping:
    if settings.static_address:
        by = f"one static address, from {settings.network or 'a network of its own'}"
        return PartMapping(part="network", by=by, types=("gcp:compute/routerNat:RouterNat",))
    given = settings.subnetwork or settings.network
    return PartMapping(part="network", by=given or "Google's own, no VPC")


def guarantees(plan: Plan, settings: CloudRunSettings) -> list[Guarantee]:
    """What Cloud Run promises for this plan."""
    return [
        Guarantee(
            topic="the run cannot read the model key",
            strength="enforced",
            by="the guard is a service of its own, and its account alone may read the key; what else a container is "
            "given, code in it can fetch again by its account: the gateway its own secrets, a run those of runs",
            source=f"{RUN_DOCS}/securing/service-identity",
        ),
        Guarantee(
            topic="a run reaches only its egress list",
            strength="advisory",
            by="nothing of Google's holds a container back from sending; names are the guard's matter, which Landlock "
            "enforces where the instance's kernel has it",
        ),
        _runs_apart(plan),
        Guarantee(
            topic="the run's file system outside its workspace is read-only",
            strength="absent",
            by="Cloud Run has no read-only root; what is written there lies in the instance's memory and ends with it",
            source=f"{RUN_DOCS}/container-contract#filesystem",
        ),
        Guarantee(
            topic="everything public is served by TLS",
            strength="enforced",
            by="a load balancer on 443, TLS 1.2 and later; 80 redirects" if plan.network.domain else "HTTPS only",
            source=f"{RUN_DOCS}/triggering/https-request",
        ),
        Guarantee(
            topic="data survives deletion of the stack",
            strength="absent" if settings.destroy_data else "enforced",
            by="destroy_data is set" if settings.destroy_data else "the bucket and the log bucket are retained",
        ),
        _missed_schedule(plan),
        _scale_to_zero(plan),
    ]


def _runs_apart(plan: Plan) -> Guarantee:
    topic = "one run cannot see another"
    if not isolated_runs(plan):
        return Guarantee(topic=topic, strength="advisory", by="runs share the gateway's container")
    by = "an execution in an instance of its own; the account that runs share reads what this agent's runs left"
    return Guarantee(topic=topic, strength="enforced", by=by, source=f"{RUN_DOCS}/container-contract#sandbox")


def _missed_schedule(plan: Plan) -> Guarantee:
    topic = "a missed schedule"
    if not isolated_runs(plan):
        return Guarantee(topic=topic, strength="advisory", by="is made up for as schedule.missed says")
    by = "is tried again for an hour; Cloud Scheduler fires at least once, so now and then twice"
    return Guarantee(topic=topic, strength="enforced", by=by, source=f"{CRON_DOC.rsplit('/', 1)[0]}/retry-jobs")


def _scale_to_zero(plan: Plan) -> Guarantee:
    topic = "the gateway scales to zero"
    if instances(plan):
        pays = " and has its processors all the time" if has_cpu_between_requests(plan) else ""
        return Guarantee(topic=topic, strength="absent", by=f"{instances(plan)} is kept{pays}")
    by = "a request wakes it; between requests it has next to no processor"
    return Guarantee(topic=topic, strength="enforced", by=by, source=f"{RUN_DOCS}/configuring/billing-settings")
