"""Filters: which deliveries start a run.

A value of the spec's is the event's when both are of one kind: `1` is not `"1"` and not `true`. What can only be text,
a header or a form's field, is compared as text: there `1` is `"1"`, and `true` is `"true"`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unmoor.runtime.prompt import STEP
from unmoor.runtime.redact import Redact

from .payload import WebhookPayload

Wanted = str | int | bool
MOST_SHOWN = 60


def filter_reason(
    when: Sequence[tuple[str, tuple[Wanted, ...]]],
    headers: Mapping[str, str],
    event: WebhookPayload,
    *,
    redact: Redact = str,
) -> tuple[str, str]:
    """Why the delivery starts nothing: the rule in our words, what came in the sender's; both empty where it does."""
    for path, wanted in when:
        root, _, name = path.partition(".")
        if root == "header":
            found: list[Any] = [headers[name]] if name in headers else []
            typed = False
        else:
            found, typed = list(values_at(path.removeprefix("body"), event.value)), event.typed
        if not any(is_wanted(value, one, typed=typed) for value in found for one in wanted):
            return f"{path} is not {' or '.join(_shown(one) for one in wanted)}", _came(found, redact)
    return "", ""


def values_at(path: str, value: Any) -> Iterator[Any]:
    """What lies at a path such as `.issue.labels.name`; a list on the way, or at its end, stands for all its items."""
    found = [value]
    for name, index, _ in STEP.findall(path):
        found = [one for each in found for one in _step(each, name, index)]
    for each in found:
        yield from each if isinstance(each, list) else (each,)


def is_wanted(value: Any, wanted: Wanted, *, typed: bool) -> bool:
    if not typed:
        return isinstance(value, str) and value == (wanted if isinstance(wanted, str) else json.dumps(wanted))
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return isinstance(value, str) == isinstance(wanted, str) and value == wanted


def _step(value: Any, name: str, index: str) -> list[Any]:
    if index:
        return [value[int(index)]] if isinstance(value, list) and int(index[:9]) < len(value) else []
    if isinstance(value, list):
        return [one for each in value for one in _step(each, name, index)]
    return [value[name]] if isinstance(value, dict) and name in value else []


def _shown(value: Any, redact: Redact = str) -> str:
    text = redact(json.dumps(value, ensure_ascii=False))  # before it is cut: half a secret is not known for one
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _came(found: list[Any], redact: Redact) -> str:
    if not found:
        return "it is not there"
    return "it is " + " and ".join(_shown(value, redact) for value in found[:3])
