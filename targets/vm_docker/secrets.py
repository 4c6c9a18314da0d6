"""Secrets: files in a volume for each part that holds some, written by the seed and mounted by that part alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_docker as docker

from unmoor.container import SECRETS_DIR
from unmoor.plan import Holder, Secret

from .context import Context, digest, label_list
from .names import name


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The volume of each holder, and every value that this program knows, by secret."""

    volumes: Mapping[Holder, docker.Volume]
    values: Mapping[str, Any]


def secrets(context: Context) -> Secrets:
    """A volume for every part that holds a secret of the plan's."""
    holders: list[Holder] = [h for h in ("gateway", "guard", "run") if context.plan.secrets_held_by(h)]
    return Secrets(
        volumes={holder: _volume(context, holder) for holder in holders},
        values={s.name: _value(context, s) for s in context.plan.secrets},
    )


def mounts(context: Context, secrets: Secrets, holder: Holder) -> list[Any]:
    """What a container of this part sees of secrets: its own volume, and files that lie on the machine already."""
    found = [
        {"type": "bind", "source": context.settings.secrets[s.name], "target": f"{SECRETS_DIR}/existing/{s.variable}"}
        for s in context.plan.secrets_held_by(holder)
        if s.source == "existing"
    ]
    if holder in secrets.volumes and _seeded(context, holder):
        volume = {"type": "volume", "source": secrets.volumes[holder].name, "target": f"{SECRETS_DIR}/{holder}"}
        found.insert(0, volume)
    return [{**mount, "read_only": True} for mount in found]


def secret_files(context: Context, secrets: Secrets) -> list[tuple[Holder, Secret, Any]]:
    """Every file that the seed writes: for whom, which secret, its value."""
    return [(holder, s, secrets.values[s.name]) for holder in secrets.volumes for s in _seeded(context, holder)]


def labels(context: Context, secrets: Secrets, *holders: Holder) -> dict[str, pulumi.Input[str]]:
    """Where each secret of these parts comes from, and which values they have, since a part reads them at its start:
    a value that is another makes a new container."""
    held = [s for h in holders for s in _seeded(context, h)]
    if not held:
        return {**origins(context, *holders)}
    versions = [context.secret_version(s, secrets.values[s.name]) for s in held]
    return {**origins(context, *holders), "unmoor.secrets": pulumi.Output.all(*versions).apply(digest)}


def origins(context: Context, *holders: Holder) -> dict[str, str]:
    """Labels that say where each secret of these parts comes from; never a value."""
    return {f"unmoor.secret.{s.name}": s.source_label for s in context.plan.secrets_held_by(*holders)}


def _seeded(context: Context, holder: Holder) -> list[Secret]:
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
