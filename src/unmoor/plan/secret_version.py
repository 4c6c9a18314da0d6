"""A number that changes with a secret's value and reveals nothing useful about it."""

from __future__ import annotations

import functools
import hashlib


# A process that compiles many plans computes the same few numbers.
@functools.lru_cache(maxsize=256)
def secret_version(agent: str, name: str, value: str) -> int:
    """1 to 2**31 - 1, the same for the same agent, secret and value.

    The engine compares write-only inputs by this number, since their value is not stored. It uses scrypt, so that each
    guess at a weak value costs 16 MB and tens of milliseconds; treat the number as a secret all the same.
    """
    digest = hashlib.scrypt(value.encode(), salt=f"{agent}\0{name}".encode(), n=2**14, r=8, p=1, dklen=8)
    return int.from_bytes(digest, "big") % (2**31 - 1) + 1
