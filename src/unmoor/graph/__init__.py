"""A recorded graph: a program's resources, and their renderings as text.

Nothing here uses Pulumi's SDK; unmoor.recording.record records.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SECRET = "[secret]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One registered resource: its inputs in camelCase, a secret's value as `[secret]`.

    `parent` is the logical name of its component, None for the root. `depends_on` holds (type, name) of every resource
    that it depends on. `overridden` holds the input paths that overrides changed.
    """

    type: str
    name: str
    parent: str | None
    inputs: Mapping[str, Any]
    depends_on: tuple[tuple[str, str], ...] = ()
    retained: bool = False
    overridden: tuple[str, ...] = field(default=())

    @property
    def key(self) -> tuple[str, str]:
        """The resource's unique key in the graph."""
        return (self.type, self.name)

    @property
    def module(self) -> str:
        """The package and module of its type, such as `aws:ecs`; the package alone if the module adds nothing."""
        package, module, _ = [*self.type.split(":"), "", ""][:3]
        module = module.split("/")[0]
        return package if module in ("", "index", "providers") or package == "unmoor" else f"{package}:{module}"

    @property
    def kind(self) -> str:
        """The last part of its type, such as `TaskDefinition`."""
        return self.type.rsplit(":", 1)[-1]


def as_json(resources: Iterable[Resource]) -> list[dict[str, Any]]:
    """The graph as plain values, sorted by type and name: type, name, parent and inputs of each resource."""
    return [
        {"type": r.type, "name": r.name, "parent": r.parent, "inputs": dict(r.inputs)}
        for r in sorted(resources, key=lambda r: r.key)
    ]


def counts(resources: Iterable[Resource]) -> dict[str, int]:
    """The number of resources of each type, without components."""
    return dict(sorted(Counter(r.type for r in resources if not r.type.startswith("unmoor:")).items()))


def by_module(resources: Iterable[Resource]) -> dict[str, list[Resource]]:
    """The resources by package and module, both sorted."""
    found: dict[str, list[Resource]] = {}
    for resource in sorted(resources, key=lambda r: (r.module, r.key)):
        found.setdefault(resource.module, []).append(resource)
    return found


def tree(resources: Sequence[Resource]) -> str:
    """The graph as a tree: the component, its resources by service, and a count of each kind."""
    root = next(r for r in resources if r.parent is None)
    lines = [f"{root.name}  {root.type}"]
    held = by_module(r for r in resources if r.parent is not None)
    for i, (group, members) in enumerate(held.items()):
        last = i == len(held) - 1
        lines.append(f"{'└─' if last else '├─'} {group} ({len(members)})")
        lines += _branch(members, "   " if last else "│  ")
    total = sum(counts(resources).values())
    kinds = ", ".join(f"{count} {type_.rsplit(':', 1)[-1]}" for type_, count in counts(resources).items())
    return "\n".join([*lines, "", f"{total} resources: {kinds}"])


def _branch(members: Sequence[Resource], indent: str) -> Iterator[str]:
    width = max(len(m.kind) for m in members)
    for i, member in enumerate(members):
        mark = "└─" if i == len(members) - 1 else "├─"
        kept = "  (retained on deletion)" if member.retained else ""
        yield f"{indent}{mark} {member.kind:<{width}}  {member.name}{kept}"
        yield from (f"{indent}     * {path} is set by overrides" for path in member.overridden)


def as_sorted_text(resources: Iterable[Resource]) -> str:
    """The graph as sorted text: one line for each resource and each input, with JSON documents expanded."""
    lines: list[str] = []
    for resource in sorted(resources, key=lambda r: r.key):
        lines.append(f"{resource.type} {resource.name} <- {resource.parent or '-'}")
        if resource.retained:
            lines.append("    (retained)")
        lines += [f"    {path} = {value}" for path, value in leaf_paths(resource.inputs)]
    return "\n".join(lines) + "\n"


def leaf_paths(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf of an input with its path; a JSON document in a text is expanded."""
    document = _document(value)
    if document is not None:
        yield from leaf_paths(document, f"{path}<json>")
    elif isinstance(value, Mapping) and value:
        for key in sorted(value):
            yield from leaf_paths(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and value:
        for i, item in enumerate(value):
            yield from leaf_paths(item, f"{path}[{i}]")
    else:
        yield path, json.dumps(value, ensure_ascii=False)


def _document(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return None
    try:
        document = json.loads(value)
    except json.JSONDecodeError:
        return None
    return document if isinstance(document, dict | list) and document else None


def mermaid(resources: Sequence[Resource]) -> str:
    """The graph as a Mermaid flowchart: a box for each service, an arrow from each resource to its dependencies."""
    ids = {r.key: f"r{i}" for i, r in enumerate(sorted(resources, key=lambda r: r.key))}
    lines = ["flowchart LR"]
    for n, (group, members) in enumerate(by_module(r for r in resources if r.parent is not None).items()):
        lines.append(f'  subgraph g{n}["{_escape(group)}"]')
        lines += [f'    {ids[m.key]}["{_escape(m.kind)}<br/>{_escape(m.name)}"]' for m in members]
        lines.append("  end")
    for resource in sorted(resources, key=lambda r: r.key):
        lines += [f"  {ids[resource.key]} --> {ids[d]}" for d in sorted(resource.depends_on) if d in ids]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
