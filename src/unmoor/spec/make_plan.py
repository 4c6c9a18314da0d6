"""Spec -> Plan: pure and total; defaults.py decides every absent field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar, cast

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
    NetworkConfig,
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
from unmoor.runtime.config import DAY_CAP
from unmoor.runtime.harness.versions import HARNESS_VERSIONS
from unmoor.runtime.secret_references import SECRET_REFERENCE

from .context_files import SpecFiles
from .defaults import DEFAULTS, MODEL_BASE_URLS, default
from .mail_servers import default_authserv_id, default_lines_above
from .models import ADDRESS, EmailSpec, ImageBuild, RepoSpec, Spec, SpecModel, TriggerSpec, VerifySpec

Part = TypeVar("Part")


def make_plan(spec: Spec, environment: str = "default", files: SpecFiles | None = None) -> Plan:
    """The spec with everything decided; `files` holds the content of the files that the spec names, if any."""
    files = files or SpecFiles(folder="", instructions=_inline_instructions(spec), files=())
    triggers = spec.triggers
    return Plan(
        agent=spec.name,
        environment=environment,
        description=_value(spec.description, "description"),
        harness=_harness(spec),
        image=_image(spec, files.folder),
        model=_model(spec),
        instructions=files.instructions,
        repos=tuple(_repo(r) for r in spec.context.repos),
        files=files.files,
        mcp_servers=_mcp_servers(spec),
        webhooks=tuple(_webhook(t) for t in triggers if t.webhook),
        schedules=tuple(_schedule(t) for t in triggers if t.schedule),
        mailboxes=tuple(_mailbox(t, t.email) for t in triggers if t.email),
        run=_run(spec),
        budget_per_day_usd=_value(spec.budget.per_day_usd, DAY_CAP),
        secrets=_secrets(spec),
        gateway=_gateway(spec),
        guard=GuardPlan(cpu=_value(None, "guard.cpu"), memory_mib=_value(None, "guard.memory")),
        network=_network(spec),
        retention=_decided(Retention, spec.retention, "retention"),
    )


def secret_uses(spec: Spec) -> tuple[tuple[str, Holder], ...]:
    """Every use of a secret: its name and the part of the agent that holds it, in the spec's order, with repeats."""
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


def _decided(kind: type[Part], spec: SpecModel, where: str, /, **decided: Any) -> Part:
    """A part of the plan: `decided`, and for every other field the spec's field of that name, or its default."""
    names = [f for f in fields(cast(Any, kind)) if f.name not in decided]
    return kind(**{f.name: _field(spec, where, f.name, f.type) for f in names}, **decided)


def _field(spec: SpecModel, path: str, name: str, type_: Any) -> Any:
    """The plan's value of a field: durations are in seconds (`timeout_s`), sizes in mebibytes (`memory_mib`)."""
    written = name.removesuffix("_s").removesuffix("_mib")
    value = getattr(spec, written)
    if value is None:
        where = f"{path}.{written}"
        return "" if where not in DEFAULTS and type_ == "str" else default(where)
    if written != name:
        return seconds(value) if name.endswith("_s") else mebibytes(value)
    return tuple(value) if isinstance(value, list) else value


def _value(value: Any, path: str) -> Any:
    return default(path) if value is None else value


def _inline_instructions(spec: Spec) -> str:
    return spec.instructions if isinstance(spec.instructions, str) else ""


def _harness(spec: Spec) -> Harness:
    version = spec.harness.version or HARNESS_VERSIONS[spec.harness.name]
    return _decided(Harness, spec.harness, "harness", version=version)


def _image(spec: Spec, folder: str) -> Image:
    if spec.image is None:
        harness = _harness(spec)
        return ShippedImage(harness=harness.name, version=harness.version)
    if isinstance(spec.image, ImageBuild):
        path = spec.image.build
        return ImageFolder(folder=f"{folder}/{path.removeprefix('./')}" if folder else path)
    return ImageReference(reference=spec.image)


def _model(spec: Spec) -> Model | None:
    if (model := spec.model) is None:
        return None
    return _decided(Model, model, "model", base_url=model.base_url or MODEL_BASE_URLS[model.provider])


def _repo(repo: RepoSpec) -> Repo:
    repo_name = repo.url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
    return _decided(Repo, repo, "context.repos", path=repo.path or repo_name)


def _mcp_servers(spec: Spec) -> tuple[McpServer, ...]:
    return tuple(
        _decided(
            McpServer,
            server,
            "tools.mcp_servers",
            name=name,
            headers=tuple(sorted(server.headers.items())),
            env=tuple(sorted(server.env.items())),
        )
        for name, server in sorted(spec.tools.mcp_servers.items())
    )


def _webhook(trigger: TriggerSpec) -> Webhook:
    assert trigger.webhook is not None
    verify, when = trigger.webhook.verify, sorted(trigger.webhook.when.items())
    return Webhook(
        name=trigger.name,
        prompt=trigger.prompt,
        verify=_verify(verify) if isinstance(verify, VerifySpec) else None,
        when=tuple((path, tuple(values) if isinstance(values, list) else (values,)) for path, values in when),
    )


def _verify(verify: VerifySpec) -> Verify:
    path, signed = "triggers.webhook.verify", verify.timestamp
    decided: dict[str, Any] = {"timestamp": "", "payload": "", "tolerance_s": 0}
    if verify.scheme != "hmac":
        decided |= {"algorithm": "", "encoding": ""}
    if signed is not None:
        members = {name: _field(signed, f"{path}.timestamp", name, "str") for name in ("payload", "tolerance_s")}
        decided |= {"timestamp": signed.header, **members}
    return _decided(Verify, verify, path, **decided)


def _schedule(trigger: TriggerSpec) -> Schedule:
    assert trigger.schedule is not None
    cron = " ".join(trigger.schedule.cron.split())
    names = {"name": trigger.name, "prompt": trigger.prompt}
    return _decided(Schedule, trigger.schedule, "triggers.schedule", cron=cron, **names)


def _mailbox(trigger: TriggerSpec, email: EmailSpec) -> Mailbox:
    host, port = _host_and_port(email.imap, "triggers.email.imap.port")
    smtp_host, smtp_port = _host_and_port(email.smtp, "triggers.email.smtp.port") if email.smtp else ("", 0)
    authserv_id = email.authserv_id or default_authserv_id(host)
    lines = email.received_lines_above
    return _decided(
        Mailbox,
        email,
        "triggers.email",
        name=trigger.name,
        prompt=trigger.prompt,
        host=host,
        port=port,
        authserv_id=authserv_id,
        received_lines_above=default_lines_above(authserv_id) if lines is None else lines,
        address=email.address or (email.user if re.fullmatch(ADDRESS, email.user) else ""),
        smtp_host=smtp_host,
        smtp_port=smtp_port,
    )


def _host_and_port(text: str, path: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(_value(port or None, path))


def _run(spec: Spec) -> Run:
    size = {n: _field(spec.resources, "resources", n, "") for n in ("cpu", "memory_mib", "disk_mib", "arch")}
    return _decided(Run, spec.run, "run", **size)


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
    return Secret(
        name=name,
        source=source,  # type: ignore[arg-type]
        reference="" if source == "existing" else reference,
        holders=tuple(sorted(holders)),
    )


def _gateway(spec: Spec) -> GatewayPlan:
    found = _decided(GatewayPlan, spec.gateway, "gateway")
    return found if spec.gateway.max is not None else replace(found, max=max(found.max, found.min))


def _network(spec: Spec) -> NetworkConfig:
    egress = _value(spec.network.egress, "network.egress")
    allowed = () if egress == "any" else tuple(egress)
    return _decided(NetworkConfig, spec.network, "network", egress_any=egress == "any", egress=allowed)
