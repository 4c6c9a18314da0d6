"""Marks: which run has what came, so that the same thing that comes twice has one run."""

from __future__ import annotations

import json

from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.store.protocol import Store

from . import keys


async def claim_dedup_key(store: Store, mark: str, run: str) -> str:
    """The run that has it: this one, unless there is a mark already, which names another."""
    if await store.put_if_absent(mark, json.dumps({"run": run}).encode()) is not None:
        return run
    return await run_of_dedup_key(store, mark) or run


async def run_of_dedup_key(store: Store, mark: str) -> str:
    """The run that a mark names; nothing where there is no mark, and RuntimeFault where it names none."""
    stored = await store.get(mark)
    if stored is None:
        return ""
    named = keys.RUN_ID.search(stored.content.decode(errors="replace"))
    if named is None:
        raise UnmoorRuntimeError(f"{mark} names no run; remove it to have what came run")
    return named[0]
