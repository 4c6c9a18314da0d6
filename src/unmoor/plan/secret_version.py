"""A number that changes when a secret's value does, and tells nothing useful about the value."""

from __future__ import annotations

import functools
import hashlib


# A program asks for each value once; whoever compiles many plans in one process asks for the same few.
@functools.lru_cache(maxsize=256)
def secret_version(agent: str, name: str, value: str) -> int:
    """1 to 2**31 - 1, the same for the same agent, secret and value.

    Write-only inputs are compared by such a number, since the value itself is kept nowhere. It is made by scrypt, so
    that guessing a weak value from it costs 16 MB and tens of milliseconds a try; treat it as a secret all the same.
    """
    digest = hashlib.scrypt(value.encode(), salt=f"{agent}\0{name}".encode(), n=2**14, r=8, p=1, dklen=8)
    return int.from_bytes(digest, "big") % (2**31 - 1) + 1
