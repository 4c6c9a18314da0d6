"""Verifies that a store honors conditions: some servers with S3's API accept conditional writes and ignore them."""

from __future__ import annotations

import contextlib
import secrets

from unmoor.runtime.errors import ConfigurationError, TransientError

from .protocol import Store

UNCONDITIONAL = (
    "store: this server ignores conditional writes, without which one delivery may start several runs; use a server "
    "that honors If-None-Match and If-Match"
)


async def verify_store(store: Store) -> None:
    """Returns if the store exists and honors put-if-absent and compare-and-swap.

    ConfigurationError if it ignores them, TransientError if it does not exist or cannot be reached. It writes one
    object below `queue/`, where a gateway may write, and deletes it. A folder of this machine needs no check.
    """
    if store.is_local:
        return
    key = f"queue/probe-{secrets.token_hex(8)}"
    version = await store.put_if_absent(key, b"1")
    try:
        honored = (
            version is not None
            and await store.put_if_absent(key, b"2") is None
            and await store.compare_and_swap(key, b"3", version) is not None
            and await store.compare_and_swap(key, b"4", version) is None
        )
    finally:
        with contextlib.suppress(TransientError):  # one small object that nothing reads
            await store.delete(key)
    if not honored:
        raise ConfigurationError(UNCONDITIONAL)
