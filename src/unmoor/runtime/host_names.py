"""Host names: their normal form, and matching against a list of allowed ones."""

from __future__ import annotations

import re
from collections.abc import Iterable

LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# Some programs read a name with such an end as an address: 127.1, 2130706433, 0x7f.1
# (https://url.spec.whatwg.org/#ends-in-a-number-checker).
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def host_name(text: str) -> str | None:
    """The name in lower case and ASCII, without a final dot; None if it is not a full name, as an address is not."""
    try:
        name = text.encode("idna").decode("ascii") if not text.isascii() else text
    except UnicodeError:
        return None
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or len(labels) < 2 or NUMBER.fullmatch(labels[-1]):
        return None
    return name if all(LABEL.fullmatch(label) for label in labels) else None


def matches_any(patterns: Iterable[str], host: str) -> bool:
    """Whether a pattern matches the host: `a.example.com` itself; `*.example.com` everything below example.com, without
    example.com itself."""
    return any(_matches(pattern, host) for pattern in patterns)


def _matches(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        apex = host_name(pattern[2:])
        return apex is not None and host.endswith(f".{apex}")
    return host_name(pattern) == host
