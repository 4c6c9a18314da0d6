"""A recorded resource's outputs: its inputs, and what the stand-ins add.

Every other text that the SDK's class declares as always present gets a placeholder, so that the recorder can reject an
input that is built from it instead of sending nothing.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Mapping
from typing import Any

import pulumi

from unmoor.errors import UnmoorError
from unmoor.target.stand_ins import FakeResource, Outputs, StandIns

UNSET = re.compile(r"<no stand-in: (\S+) (\S+)>")
ALWAYS_TEXT = {"pulumi.output.Output[str]", "pulumi.Output[str]"}


def fake_outputs(stand_ins: StandIns, resource: FakeResource) -> tuple[str, Outputs]:
    """The id and every output of one resource."""
    type_ = resource.type
    tables = ((stand_ins.packages, type_.split(":")[0]), (stand_ins.resources, type_))
    known: Outputs = {}
    for table, key in tables:
        known |= table[key](resource) if key in table else {}
    unset = {output: f"<no stand-in: {type_} {output}>" for output in _text_outputs(type_)}
    return known.pop("id", None) or resource.hex(16), {**unset, **resource.inputs, **known}


def fake_invoke(stand_ins: StandIns, token: str, args: Mapping[str, Any]) -> Outputs:
    """The result of one data source; UnmoorError, naming it, if it has no stand-in."""
    if token not in stand_ins.data_sources:
        raise UnmoorError(f"no stand-in for the data source {token}; add it to the target's stand_ins_by")
    return {**args, **stand_ins.data_sources[token](args)}


@functools.cache
def _text_outputs(type_: str) -> tuple[str, ...]:
    """Every output of the type that the SDK declares as a text that is always present, by its wire name."""
    return tuple(
        getattr(member.fget, "_pulumi_name", name)
        for class_ in _classes().get(type_, ())
        for name, member in vars(class_).items()
        if isinstance(member, property) and str(member.fget.__annotations__.get("return")) in ALWAYS_TEXT
    )


def input_names(type_: str) -> frozenset[str]:
    """Every input of the SDK's class of that type, by its wire name; the class must have been imported."""
    return frozenset(
        getattr(member.fget, "_pulumi_name", name)
        for class_ in _classes().get(type_, ())
        for name, member in vars(_arguments(class_)).items()
        if isinstance(member, property)
    )


def _arguments(class_: type) -> type:
    """The class of a resource's arguments; InitArgs if a nested input has the shorter name."""
    module = sys.modules[class_.__module__]
    found = (getattr(module, f"{class_.__name__}{ending}", None) for ending in ("InitArgs", "Args"))
    return next((args for args in found if args is not None), object)


def _classes() -> dict[str, list[type]]:
    """The imported resource classes by type."""
    found: dict[str, list[type]] = {}
    for class_ in pulumi.CustomResource.__subclasses__():
        if type_ := getattr(class_, "pulumi_type", None):
            found.setdefault(type_, []).append(class_)
    return found
