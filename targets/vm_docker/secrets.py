"""Secrets: files in a volume for each holder, written by the seed and mounted only by the holder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_docker as docker

from unmoor.container import RUN_TOKEN_KEY, SECRETS_DIR
from unmoor.plan import Holder, Plan, Secret

from .context import Context, digest, label_list
from .names import name


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The volume of each holder, and the known values by secret."""

    volumes: Mapping[Holder, docker.Volume]
    values: Mapping[str, Any]


def with_run_token_key(plan: Plan) -> Plan:
    """The plan with the secret by which runs prove themselves to the guard that they share."""
    key = Secret(name=RUN_TOKEN_KEY, source="generated", reference="", holders=("guard", "run"))
    return replace(plan, secrets=(*plan.secrets, key))


def secrets(context: Context) -> Secrets:
    holders: list[Holder] = [h for h in ("gateway", "guard", "run") if context.plan.secrets_held_by(h)]
    return Secrets(
        volumes={holder: _volume(context, holder) for holder in holders},
        values={s.name: _value(context, s) for s in context.plan.secrets},
    )


def mounts(context: Context, secrets: Secrets, holder: Holder) -> list[Any]:
    """The secret mounts of a holder: its volume, and existing files of the machine."""
    found = [
        {"type": "bind", "source": context.settings.secrets[s.name], "target": f"{SECRETS_DIR}/existing/{s.variable}"}
        for s in context.plan.secrets_held_by(holder)
        if s.source == "existing"
    ]
    if holder in secrets.volumes and _secrets_to_write(context, holder):
        volume = {"type": "volume", "source": secrets.volumes[holder].name, "target": f"{SECRETS_DIR}/{holder}"}
        found.insert(0, volume)
    return [{**mount, "read_only": True} for mount in found]


def secret_files(context: Context, secrets: Secrets) -> list[tuple[Holder, Secret, Any]]:
    """Every file that the seed writes: holder, secret, value."""
    return [
        (holder, s, secrets.values[s.name]) for holder in secrets.volumes for s in _secrets_to_write(context, holder)
    ]


def labels(context: Context, secrets: Secrets, *holders: Holder) -> dict[str, pulumi.Input[str]]:
    """Labels with the sources of these holders' secrets and a digest of their values: a new value replaces the
    container, which reads secrets at its start.
    """
    held = [s for h in holders for s in _secrets_to_write(context, h)]
    if not held:
        return {**origins(context, *holders)}
    versions = [context.secret_version(s, secrets.values[s.name]) for s in held]
    return {**origins(context, *holders), "unmoor.secrets": pulumi.Output.all(*versions).apply(digest)}


def origins(context: Context, *holders: Holder) -> dict[str, str]:
    """Labels with the source of each secret of these holders; never a value."""
    return {f"unmoor.secret.{s.name}": s.source_label for s in context.plan.secrets_held_by(*holders)}


def _secrets_to_write(context: Context, holder: Holder) -> list[Secret]:
    return [s for s in context.plan.secrets_held_by(holder) if s.source != "existing"]


def _value(context: Context, secret: Secret) -> Any:
    if secret.source == "existing":
        return context.settings.secrets[secret.name]
    return pulumi.Output.secret(context.secret_value(secret))


def _volume(context: Context, holder: Holder) -> docker.Volume:
    return docker.Volume(
        context.logical(f"secrets-{holder}"),
        name=name(context.plan, f"secrets-{holder}"),
        labels=label_list(context.lasting),
        opts=context.child,
    )
