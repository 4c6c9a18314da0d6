"""Dedup keys: the run that a delivery started, so that a redelivery starts no second one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.store.protocol import Store

from . import keys


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryKey:
    """What identifies a delivery: `id` is shown to people, `name` is the dedup key's.

    Where the sender gives no id, the same content within `window` is the same delivery: `before` is the name that it
    had in the window before this one. `signed` names what the sender has signed, where `id` is not part of it: whoever
    captured a request could send it again under another id.
    """

    id: str
    name: str
    signed: str = ""
    before: str = ""
    window: timedelta = timedelta(0)


async def claim_dedup_key(store: Store, key: str, run: str) -> str:
    """The run that holds the key: this one, unless the key exists and names another."""
    if await store.put_if_absent(key, json.dumps({"run": run}).encode()) is not None:
        return run
    return await run_of_dedup_key(store, key) or run


async def run_of_dedup_key(store: Store, key: str) -> str:
    """The run that a key names, empty where the key does not exist; UnmoorRuntimeError if its content is invalid."""
    stored = await store.get(key)
    if stored is None:
        return ""
    named = keys.RUN_ID.search(stored.content.decode(errors="replace"))
    if named is None:
        raise UnmoorRuntimeError(f"{key} names no run; delete it so that the delivery can start one")
    return named[0]
