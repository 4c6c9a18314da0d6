"""Host names: what is one, and whether the list of allowed ones has it."""

from __future__ import annotations

import re
from collections.abc import Iterable

LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# What ends so is an address to some program or other: 127.1, 2130706433, 0x7f.1 (https://url.spec.whatwg.org/#ends-in-a-number-checker).
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def host_name(text: str) -> str | None:
    """The name in lower case and ASCII, without a final dot; None for what is no full name, addresses among it."""
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
    """Whether a host is named by one of them: `a.example.com` itself, or `*.example.com` for all below example.com and
    not example.com itself."""
    return any(_matches(pattern, host) for pattern in patterns)


def _matches(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        apex = host_name(pattern[2:])
        return apex is not None and host.endswith(f".{apex}")
    return host_name(pattern) == host
