"""The page of a target: its settings and limits, and what it makes of every example."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, get_type_hints

from docs_cases import Case, cases
from docs_markdown import GENERATED, code, models_in, prose, table, type_words
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from unmoor.target import PARTS, Override, Target
from unmoor.target.registry import distribution, load, names

MAPPING = """\
These tables come from compiling this repository's examples for the target. A row without examples applies to all of
them."""


def own_targets() -> list[str]:
    """The targets that this distribution offers; a stranger's that is installed beside it has its own docs."""
    return [name for name in names() if distribution(name).startswith("unmoor ")]


def target_page(name: str, examples: Path) -> str:
    """The whole page of one target."""
    target, compiled = load(name), cases(name, examples)
    lines = [
        *(GENERATED, "", f"# {name}", "", prose(target.summary) + ".", ""),
        *_settings(target),
        *_limits(target),
        *_mapping(compiled),
        *_resources(compiled),
        _readme(target),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _settings(target: Target) -> list[str]:
    lines = ["## Settings", "", f"Written under `targets.{target.name}` in the spec.", ""]
    lines += [*_fields(target.settings), ""]
    for name, hint in get_type_hints(target.settings, include_extras=True).items():
        if name in target.settings.model_fields:
            for model in models_in(hint):
                lines += _inner(name, model)
    return lines


def _inner(name: str, model: type[BaseModel]) -> list[str]:
    if model is Override:
        return ["An item of `overrides` is explained in [Overrides](../overrides.md).", ""]
    return [f"### `{name}`", "", prose(" ".join((model.__doc__ or "").split())), "", *_fields(model), ""]


def _fields(model: type[BaseModel]) -> list[str]:
    hints = get_type_hints(model, include_extras=True)
    rows = [
        (code(name), type_words(hints[name]), _default(field.default), prose(field.description or ""))
        for name, field in model.model_fields.items()
    ]
    return table(("field", "type", "default", "description"), rows)


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "**required**"
    if isinstance(value, bool):
        return code(str(value).lower())
    return "none" if value is None or value in ([], {}) else code(str(value))


def _limits(target: Target) -> list[str]:
    rows = [(prose(x.topic), prose(x.value), f"[source]({x.source})" if x.source else "") for x in target.limits]
    return ["## Limits", "", "Limits of the platform.", "", *table(("topic", "limit", "source"), rows), ""]


def _mapping(compiled: Sequence[Case]) -> list[str]:
    accepted = [c for c in compiled if not c.problems]
    refused = _shared(compiled, lambda c: [(code(p.path), prose(p.rule), prose(p.remedy)) for p in c.problems])
    rounded = _shared(accepted, lambda c: [(code(r.path), *map(prose, (r.asked, r.given, r.why))) for r in c.rounded])
    served = _shared(accepted, lambda c: [(s.part, prose(s.by)) for s in c.served if s.by != "-"])
    promised = _shared(accepted, lambda c: [_promise(g) for g in c.guarantees])
    nothing = ["Nothing in the examples.", ""]
    tried = ", ".join(code(c.label) for c in compiled)
    return [
        *("## What the target makes of a plan", "", MAPPING, "", f"Compiled: {tried}.", ""),
        *(
            "### Served by",
            "",
            *table(("part", "by", "examples"), sorted(served, key=lambda row: PARTS.index(row[0]))),
            "",
        ),
        *("### Guarantees", "", *table(("topic", "strength", "by", "examples"), _by_topic(promised)), ""),
        *("### Adjusted", "", *(_or(rounded, ("field", "requested", "given", "reason", "examples")) or nothing)),
        *("### Refused", "", *(_or(refused, ("field", "rule", "remedy", "examples")) or nothing)),
    ]


def _promise(guarantee: Any) -> tuple[str, ...]:
    source = f" ([source]({guarantee.source}))" if guarantee.source else ""
    return (prose(guarantee.topic), guarantee.strength, prose(guarantee.by) + source)


def _shared(compiled: Sequence[Case], lines: Callable[[Case], Iterable[tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """Each different line once, with the examples that it holds for; none are named where it holds for all."""
    found: dict[tuple[str, ...], list[str]] = {}
    for case in compiled:
        for line in lines(case):
            found.setdefault(line, []).append(code(case.label))
    return [(*line, "" if len(where) == len(compiled) else ", ".join(where)) for line, where in found.items()]


def _by_topic(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows of one topic one after the other, topics in the order in which they were met."""
    order = list(dict.fromkeys(row[0] for row in rows))
    return sorted(rows, key=lambda row: order.index(row[0]))


def _or(rows: Sequence[tuple[str, ...]], titles: Sequence[str]) -> list[str]:
    return [*table(titles, _by_topic(rows)), ""] if rows else []


def _resources(compiled: Sequence[Case]) -> list[str]:
    accepted = [c for c in compiled if not c.problems]
    types = sorted({t for c in accepted for t in c.counts})
    rows = [(code(t), *(str(c.counts.get(t, "")) for c in accepted)) for t in types]
    total = ("in all", *(str(sum(c.counts.values())) for c in accepted))
    titles = ("type", *(code(c.label) for c in accepted))
    return [
        "### Resources",
        "",
        "The number of resources of each type, by example.",
        "",
        *table(titles, [*rows, total]),
        "",
    ]


def _readme(target: Target) -> str:
    """The target's own prose without its title; nothing where its package has none."""
    readme = files(target.settings.__module__.rpartition(".")[0]) / "README.md"
    if not readme.is_file():
        return ""
    title, _, text = readme.read_text(encoding="utf-8").partition("\n")
    assert title.startswith("# "), f"{target.name}: README.md begins without a title"
    return text.strip()
