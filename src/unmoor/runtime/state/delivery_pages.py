"""Pages of deliveries, newest first, merged from two sources: runs that deliveries started, and the delivery log.

The keys of both count down in time, so they can be merged from any position.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from unmoor.runtime.self_test_trigger import KIND as SELF_TEST
from unmoor.runtime.store import Store

from . import keys as layout
from .delivery_log import Delivery, values
from .run_pages import PREFIX, key_after, run_ids
from .run_record import RunRecord, read_record

# Objects read at a time, and for one page: a page that a filter leaves nearly empty ends early.
AT_ONCE, MOST_READ = 20, 400
KINDS = ("webhook", "schedule", "email", SELF_TEST)

# The sort key (name and line number), and the delivery there, None where the page must end.
Position = tuple[str, int]
Found = tuple[Position, dict[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Some deliveries, and the cursor of the next page, empty on the last one."""

    deliveries: tuple[dict[str, Any], ...]
    next_cursor: str


async def delivery_page(store: Store, *, limit: int, cursor: str = "", trigger: str = "") -> DeliveryPage:
    """The deliveries of one trigger, or of all where it is empty, from the cursor on."""
    name, _, number = cursor.partition(".")
    found: list[dict[str, Any]] = []
    async for position, line in _merge(_runs(store, name), _lines(store, name)):
        if position < (name, int(number or 0)):
            continue
        if len(found) == limit or line is None:
            return DeliveryPage(deliveries=tuple(found), next_cursor=f"{position[0]}.{position[1]}")
        if not trigger or line["trigger"] == trigger:
            found.append(line)
    return DeliveryPage(deliveries=tuple(found), next_cursor="")


async def _merge(*streams: AsyncIterator[Found]) -> AsyncIterator[Found]:
    heads = [await anext(stream, None) for stream in streams]
    while any(heads):
        first = min((head for head in heads if head), key=lambda head: head[0])
        yield first
        index = heads.index(first)
        heads[index] = await anext(streams[index], None)


async def _runs(store: Store, first: str) -> AsyncIterator[Found]:
    """The runs that deliveries started, from this name on."""
    after = f"{PREFIX}run-{first}" if first else ""
    for _ in range(0, MOST_READ, AT_ONCE):
        ids = await run_ids(store, after, AT_ONCE)
        for run, stored in zip(ids, await _read(store, [layout.run_record_key(run) for run in ids]), strict=True):
            record = read_record(run, stored) if stored else None
            if record and record.kind in KINDS:
                yield (run.removeprefix("run-"), 0), _accepted_delivery(record)
        if len(ids) < AT_ONCE:
            return
        after = key_after(ids[-1])
    if ids := await run_ids(store, after, 1):
        yield (ids[0].removeprefix("run-"), 0), None


async def _lines(store: Store, first: str) -> AsyncIterator[Found]:
    """The lines of the delivery log, from this name on."""
    keys = await _log_keys(store, first)
    for start in range(0, len(keys), AT_ONCE):
        if start >= MOST_READ:
            yield (_name(keys[start]), 0), None
            return
        batch = keys[start : start + AT_ONCE]
        for key, content in zip(batch, await _read(store, batch), strict=True):
            for index, line in enumerate(reversed(content.splitlines())):
                yield (_name(key), index), json.loads(line)


async def _log_keys(store: Store, first: str) -> list[str]:
    """The keys of the delivery log from this name on, as many as one page reads and one more."""
    after = f"{layout.DELIVERY_LOG}{first[:4]}/{first}" if first else ""
    keys: list[str] = []
    async for entry in store.list(layout.DELIVERY_LOG, after=after):
        keys.append(entry.key)
        if len(keys) > MOST_READ:
            break
    return keys


async def _read(store: Store, keys: list[str]) -> list[bytes]:
    stored = await asyncio.gather(*(store.get(key) for key in keys))
    return [one.content if one else b"" for one in stored]


def _accepted_delivery(record: RunRecord) -> dict[str, Any]:
    return values(
        Delivery(
            id=record.delivery,
            trigger=record.trigger,
            kind=record.kind,
            at=record.created_at,
            outcome="accepted",
            run=record.id,
        )
    )


def _name(key: str) -> str:
    return key.rsplit("/", 1)[1].partition(".")[0]
