"""What Cloud Run makes of a plan, for people: adjustments, parts, guarantees, limits."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from unmoor.plan import ImageReference, Plan
from unmoor.quantities import cpu_text, size_text
from unmoor.target import Adjustment, Guarantee, Limit, PartMapping
from unmoor.target.description import (
    MISSED_BY_GATEWAY,
    SHARED_CONTAINER,
    Promise,
    adjustment,
    data_promise,
    describe_guarantees,
    describe_parts,
    retention_adjustment,
    run_retention_adjustment,
    size_adjustment,
)

from .container_sizes import (
    disk_mib,
    guard_size,
    has_cpu_between_requests,
    instances,
    isolated_runs,
    run_request,
    service_request,
)
from .dst import is_affected_by_dst
from .registries import makes_repository
from .settings import CloudRunSettings
from .sizes import cloud_run_size, log_days

RUN_DOCS = "https://docs.cloud.google.com/run/docs"
SCHEDULER_DOCS = "https://docs.cloud.google.com/scheduler/docs/configuring"
SIZES = "1, 2, 4, 6 or 8 processors, up to 32 GiB"
DISK = (
    "10 GiB at least; also at most 10 GiB for each instance and 100 GiB for each region until Google raises the quota; "
    "not in every region"
)
SCHEDULE = (
    "one minute, any time zone; by the wall clock: a time that a clock change skips or repeats may fire never or twice "
    "that day"
)
LIMITS = (
    Limit("request time", "3600 s", f"{RUN_DOCS}/configuring/request-timeout"),
    Limit("connection through the guard", "15 to 60 minutes", f"{RUN_DOCS}/configuring/request-timeout"),
    Limit("run time", "168 h", f"{RUN_DOCS}/configuring/task-timeout"),
    Limit("image platform", "linux/amd64", f"{RUN_DOCS}/container-contract"),
    Limit("run size", SIZES, f"{RUN_DOCS}/configuring/services/memory-limits"),
    Limit("disk", DISK, f"{RUN_DOCS}/configuring/jobs/ephemeral-disk"),
    Limit("stop grace", "10 s", f"{RUN_DOCS}/container-contract"),
    Limit("schedule", SCHEDULE, f"{SCHEDULER_DOCS}/cron-job-schedules"),
)
SERVICE, JOB = "gcp:cloudrunv2/service:Service", "gcp:cloudrunv2/job:Job"


def adjustments(plan: Plan, settings: CloudRunSettings) -> list[Adjustment]:
    """The requested values that Cloud Run replaces."""
    return [*_sizes(plan, settings), *_scale(plan), *_retention(plan), *_clock_changes(plan)]


def _sizes(plan: Plan, settings: CloudRunSettings) -> Iterator[Adjustment]:
    if isolated_runs(plan):
        yield from _size("resources", run_request(plan, settings))
    yield from _size("gateway", service_request(plan, settings))
    yield from _guard_size(plan)
    why = "a disk has whole Gi, at least 10"
    yield from size_adjustment("resources.disk", plan.run.disk_mib, disk_mib(plan, settings), why)


def _size(path: str, request: tuple[Decimal, int]) -> Iterator[Adjustment]:
    given = cloud_run_size(*request)
    if given is not None and request != (given.cpu, given.memory_mib):
        asked = f"{cpu_text(request[0])} vCPU and {size_text(request[1])} in all"
        size = f"{given.cpu} and {size_text(given.memory_mib)}"
        yield Adjustment(path, asked, size, "the next size that Cloud Run has")


def _guard_size(plan: Plan) -> Iterator[Adjustment]:
    request, given = (plan.guard.cpu, plan.guard.memory_mib), guard_size(plan)
    if request != (given.cpu, given.memory_mib):
        asked = f"{cpu_text(request[0])} vCPU and {size_text(request[1])} for the streams of several runs"
        size = f"{cpu_text(Decimal(given.cpu))} and {size_text(given.memory_mib)} for each run"
        yield Adjustment("guard", asked, size, "a run has a guard of its own")


def _scale(plan: Plan) -> Iterator[Adjustment]:
    why = "a sleeping gateway reads no mailbox" if isolated_runs(plan) else "runs are processes in it"
    yield from adjustment("gateway.min", str(plan.gateway.min), str(instances(plan)), why)


def _retention(plan: Plan) -> Iterator[Adjustment]:
    logs = plan.retention.logs_s
    yield from retention_adjustment("retention.logs", logs, log_days(logs), "Cloud Logging counts whole days")
    yield from run_retention_adjustment(plan.retention.runs_s, "Cloud Storage counts whole days")


def _clock_changes(plan: Plan) -> Iterator[Adjustment]:
    """Only for schedules that Cloud Scheduler fires: the gateway handles clock changes itself."""
    for schedule in plan.schedules if isolated_runs(plan) else ():
        if is_affected_by_dst(schedule):
            yield Adjustment(
                f"triggers[{schedule.name}].schedule.cron",
                "once at each time",
                "perhaps never or twice on the day of a clock change",
                f"Cloud Scheduler follows the wall clock of {schedule.timezone}",
            )


def part_mappings(plan: Plan, settings: CloudRunSettings) -> list[PartMapping]:
    """What serves each part of the plan."""
    created = ("gcp:secretmanager/secret:Secret",) if any(s.source != "existing" for s in plan.secrets) else ()
    front = "service behind a global load balancer" if plan.network.domain else "service with HTTPS"
    return describe_parts(
        gateway=(front, SERVICE),
        run=("an execution of a job", JOB) if isolated_runs(plan) else ("in the gateway", SERVICE),
        guard=("its own service, which only runs may call, with an instance for each run", SERVICE),
        schedules=_schedules(plan),
        email="the gateway" if plan.mailboxes else "-",
        secrets=("Secret Manager", *created),
        store=("Cloud Storage bucket", "gcp:storage/bucket:Bucket"),
        identity=("service accounts", "gcp:serviceaccount/account:Account"),
        logs=("its own log bucket in Cloud Logging", "gcp:logging/projectBucketConfig:ProjectBucketConfig"),
        image=_image(plan),
        network=_network(settings),
    )


def _schedules(plan: Plan) -> str | tuple[str, ...]:
    if not plan.schedules:
        return "-"
    if not isolated_runs(plan):
        return "the gateway's own scheduler"
    return "Cloud Scheduler, which starts the run's job", "gcp:cloudscheduler/job:Job"


def _image(plan: Plan) -> tuple[str, ...]:
    repository = ("gcp:artifactregistry/repository:Repository",) if makes_repository(plan.image) else ()
    if not isinstance(plan.image, ImageReference):
        return "built and pushed to Artifact Registry", *repository
    by = f"Artifact Registry as a cache of {plan.image.registry}" if repository else plan.image.reference
    return by, *repository


def _network(settings: CloudRunSettings) -> str | tuple[str, ...]:
    if settings.static_address:
        by = f"one static address, from {settings.network or 'its own network'}"
        return by, "gcp:compute/routerNat:RouterNat"
    return settings.subnetwork or settings.network or "Google's own, no VPC"


def guarantees(plan: Plan, settings: CloudRunSettings) -> list[Guarantee]:
    """What Cloud Run promises for this plan."""
    return describe_guarantees(
        model_key=(
            "enforced",
            "the guard is its own service, and only its account may read the key; code in a container can also read "
            "the other secrets of its account: the gateway its own, a run those of runs",
            f"{RUN_DOCS}/securing/service-identity",
        ),
        egress=(
            "advisory",
            "Google does not restrict what a container sends; the guard checks host names, and the sandbox forces runs "
            "through the guard as far as the kernel lets it, which each run records: Google publishes no kernel",
        ),
        isolation=_isolation(plan),
        read_only=(
            "absent",
            "Cloud Run has no read-only root; files written there are in the instance's memory and end with it",
            f"{RUN_DOCS}/container-contract#filesystem",
        ),
        tls=(
            "enforced",
            "a load balancer on 443, TLS 1.2 and later; 80 redirects" if plan.network.domain else "HTTPS only",
            f"{RUN_DOCS}/triggering/https-request",
        ),
        data=data_promise(settings, "the bucket and the log bucket are"),
        missed=_missed_schedule(plan),
        scale_to_zero=_scale_to_zero(plan),
    )


def _isolation(plan: Plan) -> Promise:
    if not isolated_runs(plan):
        return SHARED_CONTAINER
    by = "each run has its own instance; runs share an account, which can read this agent's earlier runs"
    return "enforced", by, f"{RUN_DOCS}/container-contract#sandbox"


def _missed_schedule(plan: Plan) -> Promise:
    if not isolated_runs(plan):
        return MISSED_BY_GATEWAY
    by = "retried for an hour; Cloud Scheduler fires at least once, so sometimes twice"
    return "enforced", by, f"{SCHEDULER_DOCS}/retry-jobs"


def _scale_to_zero(plan: Plan) -> Promise:
    if instances(plan):
        always = " and always has its processors" if has_cpu_between_requests(plan) else ""
        return "absent", f"at least {instances(plan)} runs{always}"
    by = "a request wakes it; between requests it has almost no processor"
    return "enforced", by, f"{RUN_DOCS}/configuring/billing-settings"
