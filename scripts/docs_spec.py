"""The page of the spec: every field of every model, with its default and the reason for it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import get_type_hints

from docs_markdown import GENERATED, code, models_in, prose, table, type_words
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from unmoor.quantities import duration_text, size_text
from unmoor.runtime.harness.versions import HARNESS_VERSIONS
from unmoor.spec.defaults import DEFAULTS, MODEL_BASE_URLS
from unmoor.spec.models import Spec

INTRODUCTION = """\
A spec is one YAML file, `unmoor.yaml`. A key that is not on this page is an error. `unmoor schema` prints the same
fields as a JSON Schema for editors. In a path such as `triggers.schedule`, a list stands for each of its items.

A name is `a-z`, `0-9` and `-`; it begins with a letter, does not end with `-`, and has at most 32 characters. A
duration is a whole number with `s`, `m`, `h` or `d`, such as `30m`. A size is a number with `Mi`, `Gi` or `Ti`, such
as `2Gi`. A path is relative to the spec's folder."""


def spec_page() -> str:
    """The whole page."""
    lines = [GENERATED, "", "# The spec", "", INTRODUCTION, ""]
    covered: set[str] = set()
    for path, models in _sections("", Spec):
        for model in models:
            lines += _section(path, model, covered)
    return "\n".join([*lines, *_rest(covered)]).rstrip() + "\n"


def _sections(path: str, model: type[BaseModel]) -> Iterator[tuple[str, list[type[BaseModel]]]]:
    """Each path that holds objects, with their models, in the order of the spec."""
    if not path:
        yield path, [model]
    for name, hint in get_type_hints(model, include_extras=True).items():
        if name in model.model_fields and (found := models_in(hint)):
            here = f"{path}.{name}".lstrip(".")
            yield here, found
            for inner in found:
                yield from _sections(here, inner)


def _section(path: str, model: type[BaseModel], covered: set[str]) -> list[str]:
    hints = get_type_hints(model, include_extras=True)
    rows = []
    for name, field in model.model_fields.items():
        where = f"{path}.{name}".lstrip(".")
        covered.add(where)
        kind = type_words(hints[name])
        default, reason = _default(where, field, kind)
        rows.append((code(name), kind, default, prose(field.description or ""), prose(reason)))
    title = f"## `{path}`" if path else "## The file"
    words = prose(" ".join((model.__doc__ or "").split()))
    titles = ("field", "type", "default", "description", "reason")
    width = 5 if any(row[-1] for row in rows) else 4
    return [title, "", words, "", *table(titles[:width], [row[:width] for row in rows]), ""]


def _default(path: str, field: FieldInfo, kind: str) -> tuple[str, str]:
    """A field's default and the reason for it, if it has one."""
    if path in DEFAULTS:
        return _value(DEFAULTS[path].value, kind), DEFAULTS[path].reason
    if field.is_required():
        return "required", ""
    if field.default_factory is not None:
        return f"see [below](#{path})", ""
    return (code(str(field.default)) if field.default else "none"), ""


def _value(value: object, words: str) -> str:
    """A default as it is written in the spec."""
    if value is None or value == "" or value == ():
        return "none"
    if isinstance(value, int) and words.startswith("duration"):
        return code(duration_text(value))
    if isinstance(value, int) and words.startswith("size"):
        return code(size_text(value))
    return code(str(value.normalize() if isinstance(value, Decimal) else value))


def _rest(covered: set[str]) -> list[str]:
    """The defaults that no field sets, and the tables that defaults refer to."""
    kinds = {"guard.memory": "size"}
    others = [d for d in DEFAULTS.values() if d.path not in covered]
    rows = [(code(d.path), _value(d.value, kinds.get(d.path, "")), prose(d.reason)) for d in others]
    versions = [(code(n), code(v)) for n, v in HARNESS_VERSIONS.items() if n != "command"]
    addresses = [(code(n), code(a)) for n, a in MODEL_BASE_URLS.items()]
    return [
        *("## Values without a field", "", *table(("value of", "value", "reason"), rows), ""),
        *("## Harness versions", "", "The default version of each harness:", ""),
        *(*table(("harness", "version"), versions), ""),
        *("## Model URLs", "", "The default `model.base_url` of each provider:", ""),
        *table(("provider", "URL"), addresses),
    ]
