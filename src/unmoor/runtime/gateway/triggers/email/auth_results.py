"""The Authentication-Results header: what a receiving server found out about a mail's sender.

https://www.rfc-editor.org/rfc/rfc8601#section-2.2
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SERVER = re.compile(r"\s*([^\s;=\"]+)(?:\s+\d+)?\s*")
# A method may have a version, and a value is quoted or goes on to the next space.
FINDING = re.compile(r'\s*([A-Za-z0-9._-]+)(?:\s*/\s*\d+)?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One finding: a method such as `dkim`, how it ended, and properties such as `header.d`, in lower case."""

    method: str
    result: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthResults:
    """A header: by whose server, and its findings."""

    server: str
    found: tuple[Result, ...]


def read_results(header: str) -> AuthResults | None:
    """The header's content; None where it is not written as the RFC says, which nobody should believe."""
    first, *rest = _parts(header)
    server = SERVER.fullmatch(first)
    found = [_result(part) for part in rest if part.strip() not in ("", "none")]
    if server is None or None in found:
        return None
    return AuthResults(server=server[1].lower().rstrip("."), found=tuple(r for r in found if r))


def _result(part: str) -> Result | None:
    """`method[/version]=result [reason=text] [type.property=value]…`"""
    pairs: list[tuple[str, str]] = []
    part = part.rstrip()
    at = 0
    while at < len(part):
        match = FINDING.match(part, at)
        if match is None:
            return None
        value = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
        pairs.append((match[1].lower(), value.lower()))
        at = match.end()
    (method, result), *properties = pairs
    # Of a property that is said twice the first counts, as the topmost header does.
    return Result(method=method, result=result, properties=dict(reversed(properties)))


def _parts(header: str) -> list[str]:
    """The header's parts between semicolons, without comments; neither counts inside of a quoted text."""
    parts = [""]
    for char in without_comments(header):
        if char == ";":
            parts.append("")
        else:
            parts[-1] += char
    return parts


def without_comments(header: str) -> Iterator[str]:
    """A header's characters, a quoted text as one; a comment, which may hold others, is a space. What is never closed
    comes as a quote, which nothing reads."""
    depth, quoted = 0, ""
    for char in re.findall(r"\\.|.", header, re.DOTALL):
        if quoted:
            quoted += char
            if char == '"':
                yield quoted
                quoted = ""
        elif char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
            yield " "
        elif char == '"' and not depth:
            quoted = char
        elif not depth:
            yield char
    if quoted or depth:
        yield '"'
