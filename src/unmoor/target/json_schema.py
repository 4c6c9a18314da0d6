"""The JSON Schema of the spec, with each installed target's settings in it."""

from __future__ import annotations

from typing import Any

from unmoor.spec.models import Spec

from .registry import load, names

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema, dialect 2020-12; settings of targets that are not installed are not described."""
    schema = Spec.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    described = {}
    for name in names():
        settings = load(name).settings.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
        for part, definition in settings.pop("$defs", {}).items():
            definitions[f"{name}.{part}"] = definition
        described[name] = {**settings, "title": name}
    schema["properties"]["targets"] = {**schema["properties"]["targets"], "properties": described}
    return {
        "$schema": DIALECT,
        "title": "unmoor agent spec, version 1",
        **{k: v for k, v in schema.items() if k != "title"},
    }
