"""Spec -> Plan: pure, total, every absent field decided by defaults.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from unmoor.plan import (
    GatewayPlan,
    GuardPlan,
    Harness,
    Holder,
    Image,
    ImageFolder,
    ImageReference,
    Mailbox,
    McpServer,
    Model,
    NetworkPlan,
    Plan,
    Repo,
    Retention,
    Run,
    Schedule,
    Secret,
    ShippedImage,
    Verify,
    Webhook,
)
from unmoor.quantities import mebibytes, seconds
from unmoor.runtime.harness.versions import HARNESS_VERSIONS

from .context_files import SpecFiles
from .defaults import MODEL_BASE_URLS, default
from .models import ADDRESS, ImageBuild, ModelSpec, RepoSpec, SignedTimeSpec, Spec, TriggerSpec, VerifySpec

SECRET_REFERENCE = re.compile(r"\$\{secret:([a-z][a-z0-9-]*)\}")


def make_plan(spec: Spec, environment: str = "default", material: SpecFiles | None = None) -> Plan:
    """The spec with everything decided; `material` is what its files hold, nothing where it names none."""
    material = material or SpecFiles(folder="", instructions=_inline(spec), files=())
    triggers = spec.triggers
    return Plan(
        agent=spec.name,
        environment=environment,
        description=_or(spec.description, "description"),
        harness=_harness(spec),
        image=_image(spec, material.folder),
        model=_model(spec.model) if spec.model else None,
        instructions=material.instructions,
        repos=tuple(_repo(r) for r in spec.context.repos),
        files=material.files,
        mcp_servers=_mcp_servers(spec),
        webhooks=tuple(_webhook(t) for t in triggers if t.webhook),
        schedules=tuple(_schedule(t) for t in triggers if t.schedule),
        mailboxes=tuple(_mailbox(t) for t in triggers if t.email),
        run=_run(spec),
        budget_per_day_usd=_or(spec.budget.per_day_usd, "budget.per_day_usd"),
        secrets=_secrets(spec),
        gateway=_gateway(spec),
        guard=GuardPlan(cpu=_or(None, "guard.cpu"), memory_mib=_or(None, "guard.memory")),
        network=_network(spec),
        retention=_retention(spec),
    )


def secret_uses(spec: Spec) -> tuple[tuple[str, Holder], ...]:
    """Every use of a secret: its name and which part of the agent holds it, in the spec's order, repeats kept."""
    uses: list[tuple[str, Holder]] = []
    if spec.model:
        uses.append((spec.model.api_key, "guard"))
    uses.extend((r.credential, "run") for r in spec.context.repos if r.credential)
    for server in spec.tools.mcp_servers.values():
        texts = [*server.headers.values(), *server.env.values()]
        uses.extend((name, "run") for text in texts for name in SECRET_REFERENCE.findall(text))
    for trigger in spec.triggers:
        if trigger.webhook and isinstance(trigger.webhook.verify, VerifySpec):
            uses.append((trigger.webhook.verify.secret, "gateway"))
        if trigger.email:
            uses.append((trigger.email.password, "gateway"))
    if spec.gateway.token:
        uses.append((spec.gateway.token, "gateway"))
    return tuple(uses)


def _or(value: Any, path: str) -> Any:
    return default(path) if value is None else value


def _inline(spec: Spec) -> str:
    return spec.instructions if isinstance(spec.instructions, str) else ""


def _harness(spec: Spec) -> Harness:
    return Harness(
        name=spec.harness.name,
        version=spec.harness.version or HARNESS_VERSIONS[spec.harness.name],
        args=tuple(spec.harness.args),
        command=tuple(spec.harness.command),
    )


def _image(spec: Spec, folder: str) -> Image:
    if spec.image is None:
        harness = _harness(spec)
        return ShippedImage(harness=harness.name, version=harness.version)
    if isinstance(spec.image, ImageBuild):
        return ImageFolder(folder=_within(folder, spec.image.build))
    return ImageReference(reference=spec.image)


def _within(folder: str, path: str) -> str:
    return f"{folder}/{path.removeprefix('./')}" if folder else path


def _model(model: ModelSpec) -> Model:
    return Model(
        provider=model.provider,
        name=model.name,
        base_url=model.base_url or MODEL_BASE_URLS[model.provider],
        api_key=model.api_key,
    )


def _repo(repo: RepoSpec) -> Repo:
    own_name = repo.url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
    return Repo(
        url=repo.url,
        ref=_or(repo.ref, "context.repos.ref"),
        path=repo.path or own_name,
        credential=repo.credential or "",
    )


def _mcp_servers(spec: Spec) -> tuple[McpServer, ...]:
    return tuple(
        McpServer(
            name=name,
            url=server.url or "",
            headers=tuple(sorted(server.headers.items())),
            command=tuple(server.command),
            env=tuple(sorted(server.env.items())),
        )
        for name, server in sorted(spec.tools.mcp_servers.items())
    )


def _webhook(trigger: TriggerSpec) -> Webhook:
    assert trigger.webhook is not None
    verify = trigger.webhook.verify
    return Webhook(
        name=trigger.name,
        prompt=trigger.prompt,
        verify=_verify(verify) if isinstance(verify, VerifySpec) else None,
        when=tuple((path, _values(wanted)) for path, wanted in sorted(trigger.webhook.when.items())),
    )


def _values(wanted: Any) -> tuple[str | int | bool, ...]:
    return tuple(wanted) if isinstance(wanted, list) else (wanted,)


def _verify(verify: VerifySpec) -> Verify:
    is_hmac, signed = verify.scheme == "hmac", verify.timestamp
    return Verify(
        scheme=verify.scheme,
        secret=verify.secret,
        header=verify.header or "",
        algorithm=_or(verify.algorithm, "triggers.webhook.verify.algorithm") if is_hmac else "",
        encoding=_or(verify.encoding, "triggers.webhook.verify.encoding") if is_hmac else "",
        prefix=verify.prefix or "",
        timestamp=signed.header if signed else "",
        payload=(signed.payload or _or(None, "triggers.webhook.verify.timestamp.payload")) if signed else "",
        tolerance_s=_tolerance(signed) if signed else 0,
    )


def _tolerance(signed: SignedTimeSpec) -> int:
    return seconds(signed.tolerance) if signed.tolerance else _or(None, "triggers.webhook.verify.timestamp.tolerance")


def _schedule(trigger: TriggerSpec) -> Schedule:
    assert trigger.schedule is not None
    return Schedule(
        name=trigger.name,
        prompt=trigger.prompt,
        cron=" ".join(trigger.schedule.cron.split()),
        timezone=_or(trigger.schedule.timezone, "triggers.schedule.timezone"),
        missed=_or(trigger.schedule.missed, "triggers.schedule.missed"),
    )


def _mailbox(trigger: TriggerSpec) -> Mailbox:
    assert trigger.email is not None
    email = trigger.email
    host, _, port = email.imap.partition(":")
    smtp_host, _, smtp_port = (email.smtp or "").partition(":")
    usual = _or(None, "triggers.email.smtp.port") if smtp_host else 0
    return Mailbox(
        name=trigger.name,
        prompt=trigger.prompt,
        host=host,
        port=int(port) if port else _or(None, "triggers.email.imap.port"),
        user=email.user,
        password=email.password,
        allow_from=tuple(email.allow_from),
        authserv_id=email.authserv_id or "",
        address=email.address or (email.user if re.fullmatch(ADDRESS, email.user) else ""),
        smtp_host=smtp_host,
        smtp_port=int(smtp_port) if smtp_port else usual,
    )


def _run(spec: Spec) -> Run:
    run, size = spec.run, spec.resources
    return Run(
        isolation=_or(run.isolation, "run.isolation"),
        timeout_s=seconds(run.timeout) if run.timeout else _or(None, "run.timeout"),
        max_concurrent=_or(run.max_concurrent, "run.max_concurrent"),
        when_busy=_or(run.when_busy, "run.when_busy"),
        retries=_or(run.retries, "run.retries"),
        session=_or(run.session, "run.session"),
        max_cost_usd=_or(run.max_cost_usd, "run.max_cost_usd"),
        artifacts=tuple(run.artifacts),
        cpu=_or(size.cpu, "resources.cpu"),
        memory_mib=mebibytes(size.memory) if size.memory else _or(None, "resources.memory"),
        disk_mib=mebibytes(size.disk) if size.disk else _or(None, "resources.disk"),
        arch=_or(size.arch, "resources.arch"),
    )


def _secrets(spec: Spec) -> tuple[Secret, ...]:
    holders: dict[str, set[Holder]] = {}
    for name, holder in secret_uses(spec):
        holders.setdefault(name, set()).add(holder)
    declared = [_secret(name, spec, holders.get(name, ())) for name in spec.secrets]
    if spec.gateway.token is None:
        generated = cast(str, default("gateway.token"))
        declared.append(Secret(name=generated, source="generated", reference="", holders=("gateway",)))
    return tuple(sorted(declared, key=lambda s: s.name))


def _secret(name: str, spec: Spec, holders: Iterable[Holder]) -> Secret:
    sources: Mapping[str, Any] = spec.secrets[name].model_dump(exclude_none=True)
    ((source, reference),) = sources.items()
    text = "" if source == "existing" else reference
    return Secret(name=name, source=source, reference=text, holders=tuple(sorted(holders)))  # type: ignore[arg-type]


def _gateway(spec: Spec) -> GatewayPlan:
    gateway = spec.gateway
    most = _or(gateway.max, "gateway.max")
    return GatewayPlan(
        cpu=_or(gateway.cpu, "gateway.cpu"),
        memory_mib=mebibytes(gateway.memory) if gateway.memory else _or(None, "gateway.memory"),
        min=_or(gateway.min, "gateway.min"),
        max=max(most, gateway.min or 0) if gateway.max is None else most,
        token=_or(gateway.token, "gateway.token"),
    )


def _network(spec: Spec) -> NetworkPlan:
    egress = _or(spec.network.egress, "network.egress")
    return NetworkPlan(
        egress_any=egress == "any",
        egress=() if egress == "any" else tuple(egress),
        domain=_or(spec.network.domain, "network.domain"),
    )


def _retention(spec: Spec) -> Retention:
    kept = spec.retention
    return Retention(
        runs_s=seconds(kept.runs) if kept.runs else _or(None, "retention.runs"),
        logs_s=seconds(kept.logs) if kept.logs else _or(None, "retention.logs"),
    )
