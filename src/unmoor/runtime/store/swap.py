"""Update a record that others may change: compare-and-swap, also after a lost response to an earlier write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from unmoor.runtime.errors import TransientError, UnmoorRuntimeError

from .protocol import Store

T = TypeVar("T")
ATTEMPTS = 3


async def swap_record(
    store: Store,
    key: str,
    record: T,
    version: str,
    *,
    change: Callable[[T], T],
    encode: Callable[[T], bytes],
    decode: Callable[[bytes], T],
    is_own: Callable[[T], bool],
    lost: UnmoorRuntimeError,
) -> tuple[T, str]:
    """The changed record and its version, once it is stored.

    A rejected write may have succeeded, or an earlier write of this process may have arrived late: the stored content
    decides, and `is_own` recognizes it. Raises `lost` if another process changed the record.
    """
    for _ in range(ATTEMPTS):
        changed = change(record)
        if new_version := await store.compare_and_swap(key, encode(changed), version):
            return changed, new_version
        stored = await store.get(key)
        if stored is None:
            raise lost
        record, version = decode(stored.content), stored.version
        if record == changed:
            return record, version
        if not is_own(record):
            raise lost
    raise TransientError(f"{key}: the record changes faster than it can be written")
