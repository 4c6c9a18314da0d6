"""The values of a request to the engine: decoded, and as the graph shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value
from pulumi.runtime import rpc

from unmoor.graph import SECRET, leaf_paths

# The SDK's signatures of special values: pulumi/runtime/rpc.py.
SIGNATURE = rpc._special_sig_key
SECRET_SIGNATURE = rpc._special_secret_sig
ASSET_SIGNATURE = rpc._special_asset_sig
ARCHIVE_SIGNATURE = rpc._special_archive_sig


def wrap_secret(outputs: Struct, name: str) -> None:
    """Wrap an output as a secret, as an engine does for additional secret outputs."""
    if name in outputs.fields:
        value = outputs.fields[name]
        wrapper = Struct(fields={SIGNATURE: Value(string_value=SECRET_SIGNATURE), "value": value})
        outputs.fields[name].CopyFrom(Value(struct_value=wrapper))


@dataclass(frozen=True, slots=True)
class _Secret:
    """A value inside a secret wrapper."""

    value: Any


@dataclass(frozen=True, slots=True)
class _Asset:
    """A file or text that is sent by its content."""

    sha256: str


def decode(value: Any) -> Any:
    """A protobuf value as it was sent; the SDK's own reader moves a secret's wrapper to the enclosing value."""
    if isinstance(value, Struct):
        members = {key: decode(member) for key, member in value.fields.items()}
        return _special(members) if SIGNATURE in members else members
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return decode(value.struct_value)
    if kind == "list_value":
        return [decode(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def _special(members: dict[str, Any]) -> Any:
    signature = members[SIGNATURE]
    if signature == SECRET_SIGNATURE:
        return _Secret(members.get("value"))
    if signature in (ASSET_SIGNATURE, ARCHIVE_SIGNATURE):
        path = members.get("path")
        content = Path(path).read_bytes() if path else str(members.get("text", members.get("assets", ""))).encode()
        return _Asset(hashlib.sha256(content).hexdigest())
    return members


def render(value: Any) -> Any:
    """A value as the graph shows it: secrets hidden, assets by their digest, no nulls, whole floats as integers."""
    if isinstance(value, _Secret):
        return SECRET
    if isinstance(value, _Asset):
        return {SIGNATURE: ASSET_SIGNATURE, "hash": value.sha256}
    if isinstance(value, Mapping):
        return {k: render(v) for k, v in sorted(value.items()) if v is not None}
    if isinstance(value, list):
        return [render(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def plain_texts(value: Any) -> Iterable[str]:
    """Every text outside a secret wrapper."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from plain_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from plain_texts(item)
    elif isinstance(value, str):
        yield value


def changed_paths(before: Any, after: Any) -> tuple[str, ...]:
    """The paths of the leaves that differ."""
    old, new = dict(leaf_paths(before)), dict(leaf_paths(after))
    return tuple(sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path)))
