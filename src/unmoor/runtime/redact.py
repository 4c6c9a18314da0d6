"""Removes secrets from text: the value itself and its common encodings."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

# A shorter text would match by chance.
SHORTEST = 5
ESCAPED = re.compile("%[0-9A-F]{2}")

Redact = Callable[[str], str]


def redactor(secrets: Mapping[str, str]) -> Redact:
    """A function that replaces each secret's value, or an encoding of it, by `[secret:NAME]`."""
    forms = {form: name for name, value in secrets.items() if len(value) >= SHORTEST for form in encodings(value)}
    if not forms:
        return lambda text: text
    longest_first = sorted(forms, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return lambda text: pattern.sub(lambda match: f"[secret:{forms[match[0]]}]", text)


def redact_values(value: Any, redact: Redact) -> Any:
    """The value with every text in it redacted, including keys."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [redact_values(v, redact) for v in value]
    if isinstance(value, dict):
        return {redact(k) if isinstance(k, str) else k: redact_values(v, redact) for k, v in value.items()}
    return value


def encodings(value: str) -> set[str]:
    """The value and its common encodings: base64 at each of the three offsets, hex, URL, JSON, HTML, single lines."""
    raw = value.encode()
    lines = [line for line in value.splitlines() if len(line) >= SHORTEST] if "\n" in value else []
    as_json = json.dumps(value)[1:-1]
    in_urls = {quote(value, safe=""), quote_plus(value), quote(value)}
    found = {
        value,
        value.strip(),
        raw.decode("latin-1"),  # as HTTP headers are decoded
        *lines,
        as_json,
        json.dumps(as_json)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        *in_urls,
        *(ESCAPED.sub(lambda match: match[0].lower(), form) for form in in_urls),
        escape(value),
        raw.hex(),
        raw.hex().upper(),
        *_base64(raw),
    }
    return {form for form in found if len(form) >= SHORTEST}


def _base64(raw: bytes) -> Iterable[str]:
    """The part of the base64 that does not depend on the bytes around the value."""
    for offset in range(3):
        before = b"\0" * offset
        text = base64.b64encode(before + raw).decode().rstrip("=")
        start = (offset * 8 + 5) // 6
        whole = (len(before + raw) * 8) // 6
        core = text[start:whole]
        if len(core) >= SHORTEST:
            yield core
            yield core.replace("+", "-").replace("/", "_")
