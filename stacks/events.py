"""An engine's events as steps, messages and counts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from unmoor.deploy.engine_events import Diagnostic, Event, Op, Phase, PropertyDiff, ResourceStep, Summary
from unmoor.graph import SECRET, leaf_paths
from unmoor.stacks.engine_wire_format import SIGNATURE, STACK, UNKNOWN, type_and_name

# The engine's operations that have another name here:
# https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/events.go
OPS = {
    "read-replacement": "read",
    "refresh": "same",
    "discard": "delete",
    "discard-replaced": "delete-replaced",
    "remove-pending-replace": "delete-replaced",
    "import": "create",
    "import-replacement": "create-replacement",
}
COLOURS = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")
# Messages that do not concern the agent: retried plugins or those from PATH, and Python's tracebacks while a failed
# program ends.
NOISE = (
    "using pulumi-resource-",
    "Traceback (most recent call last):",
    "KeyboardInterrupt",
    "grpc._channel._",
    "Exception ignored in",
    "error downloading provider",
)


def events_of(event: Any, *, previewing: bool) -> Iterator[Event]:
    """The events in one event of the engine; none for an event that does not matter to a user."""
    if event.resource_pre_event is not None:
        yield from _step(event.resource_pre_event.metadata, "planned" if previewing else "started")
    elif event.res_outputs_event is not None and not previewing:
        yield from _step(event.res_outputs_event.metadata, "done")
    elif event.res_op_failed_event is not None:
        yield from _step(event.res_op_failed_event.metadata, "failed")
    elif event.diagnostic_event is not None:
        yield from _diagnostic(event.diagnostic_event)
    elif event.policy_event is not None:
        yield _policy(event.policy_event)
    elif event.summary_event is not None:
        found = event.summary_event
        counts = {OPS.get(str(_text(op)), str(_text(op))): n for op, n in found.resource_changes.items()}
        yield Summary(counts=counts, seconds=found.duration_seconds)


def _step(metadata: Any, phase: Phase) -> Iterator[ResourceStep]:
    if not _is_real(metadata):
        return
    op = OPS.get(_text(metadata.op), _text(metadata.op))
    state = metadata.old if op.startswith("delete") else metadata.new or metadata.old
    retained = bool(state is not None and getattr(state, "retain_on_delete", False))
    if retained and op in ("delete", "delete-replaced"):
        op = "keep"
    changed = tuple(_property_diffs(metadata))
    yield ResourceStep(
        op=cast(Op, op),
        phase=phase,
        type=metadata.type,
        name=type_and_name(metadata.urn)[1],
        changed=changed,
        # If no visible property differs, as with a secret, the provider's list is all that is known.
        diff_paths=tuple(sorted(metadata.keys or () if changed else metadata.diffs or ())),
        retained=retained,
        id=str(getattr(state, "id", "") or ""),
    )


def _is_real(metadata: Any) -> bool:
    """Whether the resource exists in a cloud, unlike the stack, a component or a provider."""
    states = [state for state in (metadata.new, metadata.old) if state is not None]
    return all(state.custom for state in states) and not metadata.type.startswith("pulumi:")


def _property_diffs(metadata: Any) -> Iterator[PropertyDiff]:
    """Every input that differs."""
    if metadata.old is None or metadata.new is None or _text(metadata.op) in ("same", "read"):
        return
    before, after = (dict(leaf_paths(_plain(s.inputs or {}))) for s in (metadata.old, metadata.new))
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            yield PropertyDiff(path=path, before=_read(before.get(path)), after=_read(after.get(path)))


def _read(text: str | None) -> Any:
    """A leaf's value; None if it is absent."""
    return None if text is None else json.loads(text)


def _plain(value: Any) -> Any:
    """A value as the graph shows it, with the engine's special objects as text."""
    if isinstance(value, Mapping):
        if SIGNATURE in value:
            asset = value.get("hash") or value.get("path")
            return f"[content {str(asset)[:12]}]" if asset else SECRET
        return {k: _plain(v) for k, v in value.items() if not str(k).startswith("__")}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return "[known after deployment]" if value == UNKNOWN else value


def _diagnostic(event: Any) -> Iterator[Diagnostic]:
    text = COLOURS.sub("", event.message).strip()
    if not text or event.ephemeral or event.severity == "debug" or any(noise in text for noise in NOISE):
        return
    severity = "error" if event.severity == "error" else "warning" if event.severity == "warning" else "info"
    type_, name = _place(event.urn)
    yield Diagnostic(severity=severity, text=text, type=type_, name=name)


def _policy(event: Any) -> Diagnostic:
    type_, name = _place(event.resource_urn)
    text = f"{event.policy_pack_name}: {event.policy_name}: {COLOURS.sub('', event.message).strip()}"
    return Diagnostic(
        severity="error" if event.enforcement_level == "mandatory" else "warning", text=text, type=type_, name=name
    )


def _place(urn: str | None) -> tuple[str, str]:
    """Type and name of a resource by its URN; nothing for the stack itself."""
    if not urn or "::" not in urn:
        return "", ""
    type_, name = type_and_name(urn)
    return ("", "") if type_ == STACK else (type_, name)


def _text(op: Any) -> str:
    return str(getattr(op, "value", op))
