"""The limits of a request's head, at the gateway and at the guard: h11 limits only a head that arrives in parts."""

from __future__ import annotations

from collections.abc import Sequence


def head_problem(
    target_bytes: int, headers: Sequence[tuple[bytes, bytes]], *, most_bytes: int, most_headers: int
) -> str:
    """Why the head is too large; empty if it is not. A header counts with the four bytes that separate it."""
    size = target_bytes + sum(len(name) + len(value) + 4 for name, value in headers)
    if size > most_bytes:
        return f"the request's head is larger than {most_bytes // 1024} KiB; send less in headers and the URL"
    return f"the request has more than {most_headers} headers; send fewer" if len(headers) > most_headers else ""
