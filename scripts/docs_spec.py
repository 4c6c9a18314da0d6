"""The page of the spec: every field of every model, what it becomes when it is absent, and why."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, get_type_hints

from docs_markdown import GENERATED, code, models_in, prose, table, type_words
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from unmoor.quantities import duration_text, size_text
from unmoor.runtime.harness.versions import HARNESS_VERSIONS
from unmoor.spec.defaults import DEFAULTS, MODEL_BASE_URLS
from unmoor.spec.models import Spec

INTRODUCTION = """\
A spec is one YAML file, `unmoor.yaml`. A key that is not on this page is an error. `unmoor schema` prints the same as
a JSON Schema, for editors. A path such as `triggers.schedule` means the field of each item where there is a list.

A name is `a-z`, `0-9` and `-`; it begins with a letter, does not end with `-`, and has at most 32 characters. A
duration is a whole number with `s`, `m`, `h` or `d`. A size is a number with `Mi`, `Gi` or `Ti`. A path is relative
to the spec."""


def spec_page() -> str:
    """The whole page."""
    lines = [GENERATED, "", "# The spec", "", INTRODUCTION, ""]
    covered: set[str] = set()
    for path, models in _sections("", Spec):
        for model in models:
            lines += _section(path, model, covered)
    return "\n".join([*lines, *_rest(covered)]).rstrip() + "\n"


def _sections(path: str, model: type[BaseModel]) -> Iterator[tuple[str, list[type[BaseModel]]]]:
    """Each place where objects stand, with their models, as one reads the spec from above."""
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
        without, why = _absent(where, field.default, field.default_factory, type_words(hints[name]))
        rows.append((code(name), type_words(hints[name]), without, prose(field.description or ""), prose(why)))
    title = f"## `{path}`" if path else "## The file"
    words = prose(" ".join((model.__doc__ or "").split()))
    return [title, "", words, "", *table(("field", "type", "without it", "what it is", "why so"), rows), ""]


def _absent(path: str, default: Any, factory: Any, words: str) -> tuple[str, str]:
    """What an absent field becomes, and why; a model's own emptiness has no reason to give."""
    if path in DEFAULTS:
        return _value(DEFAULTS[path].value, words), DEFAULTS[path].reason
    if default is PydanticUndefined and factory is None:
        return "**required**", ""
    if isinstance(default, BaseModel):
        return "its own defaults", ""
    return ("none" if default is None or not default else code(str(default))), ""


def _value(value: object, words: str) -> str:
    """A default as one would write it in the spec."""
    if value is None or value == "" or value == ():
        return "none"
    if isinstance(value, int) and words.startswith("duration"):
        return code(duration_text(value))
    if isinstance(value, int) and words.startswith("size"):
        return code(size_text(value))
    return code(str(value.normalize() if isinstance(value, Decimal) else value))


def _rest(covered: set[str]) -> list[str]:
    """What is decided and is no field of its own, and the tables that defaults point into."""
    kinds = {"guard.memory": "size"}
    others = [d for d in DEFAULTS.values() if d.path not in covered]
    rows = [(code(d.path), _value(d.value, kinds.get(d.path, "")), prose(d.reason)) for d in others]
    versions = [(code(n), code(v)) for n, v in HARNESS_VERSIONS.items() if n != "command"]
    addresses = [(code(n), code(a)) for n, a in MODEL_BASE_URLS.items()]
    return [
        *("## Decided, and no field", "", *table(("what", "value", "why"), rows), ""),
        *("## Harness versions", "", "`tested` stands for these versions.", ""),
        *(*table(("harness", "version"), versions), ""),
        *("## Model addresses", "", "`provider` stands for these addresses.", ""),
        *table(("provider", "address"), addresses),
    ]
