"""Changes as text, JSON and Markdown: by part of the agent, and by property on request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from unmoor.deploy.engine_events import Op, ResourceStep
from unmoor.deploy.preview import Changes, PartChange

SIGNS: dict[Op, str] = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
VERBS: dict[Op, str] = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}
# How many properties one line names before it only counts the rest, and how much of a value a diff shows.
NAMED, LONGEST = 4, 160


def summary(changes: Changes) -> str:
    """The number of resources for each operation, in one line: `3 to create, 1 to update`; `no changes`."""
    verbs = {"create": "to create", "update": "to update", "replace": "to replace", "delete": "to delete"}
    counts = [(sum(c.op == op for c in changes.changes), verb) for op, verb in verbs.items()]
    return ", ".join(f"{n} {verb}" for n, verb in counts if n) or "no changes"


def lines(changes: Changes) -> Iterator[str]:
    """A line for each kind of change in each part, and the data at risk."""
    for part, found in changes.by_part().items():
        first = f"{part}:"
        for line in _part(found):
            yield f"  {first:11} {line}"
            first = ""
    yield from data_lines(changes)


def data_lines(changes: Changes) -> Iterator[str]:
    """A line for each resource whose data is lost, left behind or retained."""
    for risk in changes.risks:
        yield f"  data {'lost' if risk.deletes_data else 'left behind'}: {risk}"
    for step in changes.kept:
        yield f"  data retained: {resource_label(step)}"


def diff_lines(changes: Changes) -> Iterator[str]:
    """Every resource with every property that differs, secrets hidden."""
    for change in changes.changes:
        step = change.step
        yield f"  {SIGNS.get(step.op, '?')} {step.type} {step.name}"
        for changed in step.changed:
            if step.op in ("update", "replace"):
                yield f"      {changed.path}: {_value(changed.before)} -> {_value(changed.after)}"


def resource_label(step: ResourceStep) -> str:
    """A resource for a person: its kind, its name, and its id in the cloud."""
    return f"{step.kind} {step.name}" + (f" ({step.id})" if step.id and step.id != step.name else "")


def _part(changes: Sequence[PartChange]) -> Iterator[str]:
    """Created and deleted resources are counted by kind; updated ones are named with their changed properties."""
    for op in ("create", "delete"):
        kinds: dict[str, int] = {}
        for change in changes:
            if change.op == op:
                kinds[change.step.kind] = kinds.get(change.step.kind, 0) + 1
        if kinds:
            counted = ", ".join(f"{n} {kind}" if n > 1 else kind for kind, n in sorted(kinds.items()))
            yield f"{SIGNS[op]} {counted} {VERBS[op]}"
    for change in changes:
        if change.op in ("update", "replace"):
            yield f"{SIGNS[change.op]} {change.step.kind} {change.step.name} {VERBS[change.op]}{_why(change.step)}"


def _why(step: ResourceStep) -> str:
    """The properties that force a replacement, or that change, by their first step."""
    paths = step.diff_paths or tuple(dict.fromkeys(c.path.split(".")[0].split("[")[0] for c in step.changed))
    if not paths:
        return ""
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return f": {', '.join(paths[:NAMED])}{more}"


def _value(value: object) -> str:
    if value is None:
        return "absent"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def drift_lines(title: str, changes: Changes) -> Iterator[str]:
    """The drift that a refresh found since the last `up`."""
    if not changes.changes:
        yield f"{title}: no drift"
        return
    yield f"{title}: {len(changes.changes)} of its resources have drifted; unmoor up restores them"
    for change in changes.changes:
        step = change.step
        drift = "is gone" if step.op == "delete" else f"differs{_why(step)}"
        yield f"  {change.part + ':':11} {step.kind} {step.name} {drift}"


def as_json(title: str, changes: Changes) -> dict[str, object]:
    """The changes as plain values, secrets hidden."""
    return {
        "title": title,
        "summary": summary(changes),
        "changes": [_change_json(change) for change in changes.changes],
        "risks": [
            {"type": r.step.type, "name": r.step.name, "loses": r.deletes_data, "text": str(r)} for r in changes.risks
        ],
        "kept": [{"type": s.type, "name": s.name, "id": s.id} for s in changes.kept],
        "same": changes.same,
    }


def _change_json(change: PartChange) -> dict[str, object]:
    step = change.step
    changed = [{"path": c.path, "before": c.before, "after": c.after} for c in step.changed]
    found: dict[str, object] = {"part": change.part, "op": step.op, "type": step.type, "name": step.name}
    return {**found, "because": list(step.diff_paths), "changed": changed}


def markdown(title: str, changes: Changes) -> str:
    """The changes as Markdown, each resource's properties folded away."""
    out = [f"### {title}: {summary(changes)}"]
    if changes.risks or changes.kept:
        out += ["", *(f"> {line.strip()}" for line in data_lines(changes))]
    if found := changes.by_part():
        rows = [(part, line) for part, of_part in found.items() for line in _part(of_part)]
        out += ["", "| part | change |", "|---|---|", *(f"| {part} | {_cell(line)} |" for part, line in rows)]
        diff = "\n".join(diff_lines(changes)).replace("```", "'''")
        out += ["", "<details><summary>Every resource</summary>", "", "```diff", diff, "```", "", "</details>"]
    return "\n".join(out)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
