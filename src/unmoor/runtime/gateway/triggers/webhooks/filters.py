"""Filters: which deliveries start a run.

Values must have the same type: `1` equals neither `"1"` nor `true`. Headers and form fields are always text, so they
are compared as text: there `1` equals `"1"`, and `true` equals `"true"`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unmoor.runtime.prompt import STEP
from unmoor.runtime.redact import Redact

from .payload import WebhookPayload

FilterValue = str | int | bool
MOST_SHOWN = 60


def filter_reason(
    when: Sequence[tuple[str, tuple[FilterValue, ...]]],
    headers: Mapping[str, str],
    event: WebhookPayload,
    *,
    redact: Redact = str,
) -> tuple[str, str]:
    """The rule that filters the delivery, and the value found; both empty where the delivery starts a run."""
    for path, expected in when:
        root, _, name = path.partition(".")
        if root == "header":
            found: list[Any] = [headers[name]] if name in headers else []
            typed = False
        else:
            found, typed = list(values_at(path.removeprefix("body"), event.value)), event.typed
        if not any(matches_value(value, one, typed=typed) for value in found for one in expected):
            return f"{path} is not {' or '.join(_short_json(one) for one in expected)}", _found_text(found, redact)
    return "", ""


def values_at(path: str, value: Any) -> Iterator[Any]:
    """The values at a path such as `.issue.labels.name`; a list stands for all its items."""
    found = [value]
    for name, index, _ in STEP.findall(path):
        found = [one for each in found for one in _step(each, name, index)]
    for each in found:
        yield from each if isinstance(each, list) else (each,)


def matches_value(value: Any, expected: FilterValue, *, typed: bool) -> bool:
    if not typed:
        return isinstance(value, str) and value == (expected if isinstance(expected, str) else json.dumps(expected))
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    return isinstance(value, str) == isinstance(expected, str) and value == expected


def _step(value: Any, name: str, index: str) -> list[Any]:
    if index:
        return [value[int(index)]] if isinstance(value, list) and int(index[:9]) < len(value) else []
    if isinstance(value, list):
        return [one for each in value for one in _step(each, name, index)]
    return [value[name]] if isinstance(value, dict) and name in value else []


def _short_json(value: Any, redact: Redact = str) -> str:
    text = redact(json.dumps(value, ensure_ascii=False))  # before the cut: half a secret would not be recognized
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _found_text(found: list[Any], redact: Redact) -> str:
    if not found:
        return "it is missing"
    return "it is " + " and ".join(_short_json(value, redact) for value in found[:3])
