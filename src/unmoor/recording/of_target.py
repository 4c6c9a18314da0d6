"""A target's graph of a plan, recorded without an engine, an account or secrets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi

from unmoor.graph import Resource
from unmoor.local_folders import cache_folder
from unmoor.plan import ImageFolder, Plan, Secret
from unmoor.program.lazy_sdks import import_with_lazy_sdks
from unmoor.program.program import program
from unmoor.recording.common_stand_ins import COMMON
from unmoor.recording.record import Recording, record
from unmoor.target import Settings, Target

# Placeholders in a recorded graph for folders of the recording machine.
CACHE, SPEC = "[cache]", "[spec]"


def stand_in(secret: Secret) -> str:
    """A secret's value in a recording: unique to the secret and its source."""
    return f"stand-in-for-{secret.name}-of-{secret.source_label}"


def record_target(target: Target, plan: Plan, settings: Settings) -> Recording:
    """The graph that the target creates for the plan, without the names of this machine's folders."""
    import_with_lazy_sdks(target.build_by.partition(":")[0])
    recording = record(
        lambda: program(target, plan, settings, secret_value=_value, secret_version=_version),
        stand_ins=COMMON | target.stand_ins(),
        project=plan.agent,
    )
    folders = {str(cache_folder()): CACHE, **_image_folder(plan)}
    resources = tuple(replace(r, inputs=_without(r.inputs, folders)) for r in recording.resources)
    return replace(recording, resources=resources)


def graph_of(target: Target, plan: Plan, settings: Settings) -> tuple[Resource, ...]:
    """The resources alone."""
    return record_target(target, plan, settings).resources


def _value(secret: Secret) -> pulumi.Output[str]:
    return pulumi.Output.secret(stand_in(secret))


def _version(agent: str, name: str, value: str) -> int:
    """A fast digest: a stand-in needs no protection, unlike the real number, which is slow to compute."""
    return int.from_bytes(hashlib.sha256(f"{agent}\0{name}\0{value}".encode()).digest()[:3], "big") + 1


def _image_folder(plan: Plan) -> dict[str, str]:
    if not isinstance(plan.image, ImageFolder):
        return {}
    return {plan.image.folder: f"{SPEC}/{os.path.basename(plan.image.folder)}"}


def _without(value: Any, folders: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {k: _without(v, folders) for k, v in value.items()}
    if isinstance(value, list):
        return [_without(v, folders) for v in value]
    if isinstance(value, str):
        for folder, name in folders.items():
            value = value.replace(folder, name)
    return value
