"""The Authentication-Results header: a receiving server's checks of an email's sender.

https://www.rfc-editor.org/rfc/rfc8601#section-2.2
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SERVER = re.compile(r"\s*([^\s;=\"]+)(?:\s+\d+)?\s*")
# A method may have a version; a value is quoted, or ends at the next space.
FINDING = re.compile(r'\s*([A-Za-z0-9._-]+)(?:\s*/\s*\d+)?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One check: a method such as `dkim`, its result, and properties such as `header.d`, in lower case."""

    method: str
    result: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthResults:
    """A parsed header: the server's authserv-id and its checks."""

    server: str
    found: tuple[Result, ...]


def read_results(header: str) -> AuthResults | None:
    """Parses the header; None where it violates the RFC, and must not be trusted."""
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
    # The first of two equal properties counts, as the topmost header does.
    return Result(method=method, result=result, properties=dict(reversed(properties)))


def _parts(header: str) -> list[str]:
    """The header's parts between semicolons, without comments; quoted text is not split."""
    parts = [""]
    for char in without_comments(header):
        if char == ";":
            parts.append("")
        else:
            parts[-1] += char
    return parts


def without_comments(header: str) -> Iterator[str]:
    """A header's characters, with quoted text as one item and each comment (they nest) as a space. Unclosed text or
    comments yield a quote, which no pattern accepts."""
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
