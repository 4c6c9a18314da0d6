"""What the engine sends and is sent: protobuf structs as plain values, with and without the wrappers of secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

# How the engine marks values that are more than themselves: pulumi/runtime/rpc.py.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def plain(struct: Struct) -> dict[str, Any]:
    """The values, secrets out of their wrappers; assets stay as they were marked."""
    return _bare(json_format.MessageToDict(struct))


def packed(values: Mapping[str, Any]) -> Struct:
    """The values as the engine takes them."""
    struct = Struct()
    struct.update({k: v for k, v in values.items() if v is not None})
    return struct


def told(value: Any) -> Any:
    """A value as it is compared: an asset by its content, whatever folder it lies in."""
    if isinstance(value, Mapping):
        if SIGNATURE in value and "hash" in value:
            return {"hash": value["hash"]}
        return {k: told(v) for k, v in value.items() if v is not None}
    return [told(v) for v in value] if isinstance(value, list) else value


def foreseen(inputs: Any, outputs: Any) -> Any:
    """What a preview knows of the outputs: what was asked for, and a mark for all that only the cloud decides."""
    if isinstance(inputs, Mapping) and isinstance(outputs, Mapping) and SIGNATURE not in inputs:
        return {k: foreseen(inputs[k], v) if k in inputs else UNKNOWN for k, v in outputs.items()}
    return inputs if inputs == outputs else UNKNOWN


def moved(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The path of every leaf that differs, with `add`, `delete` or `update`."""
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping) and SIGNATURE not in old:
        for key in sorted(old.keys() | new.keys()):
            yield from moved(old.get(key), new.get(key), f"{path}.{_key(key)}" if path else _key(key))
    elif isinstance(old, list) and isinstance(new, list):
        for i in range(max(len(old), len(new))):
            first, second = (v[i] if i < len(v) else None for v in (old, new))
            yield from moved(first, second, f"{path}[{i}]")
    else:
        yield path, "add" if old is None else "delete" if new is None else "update"


def _key(key: str) -> str:
    return key if key.replace("_", "a").isalnum() else f'["{key}"]'


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get(SIGNATURE) == SECRET:
            return _bare(value.get("value"))
        return {k: _bare(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_bare(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
