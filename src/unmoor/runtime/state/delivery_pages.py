"""Pages of deliveries, newest first: of runs that deliveries have started, and of lines about those that started none.

Both lie in the store under names that count down in time, so that they are read side by side from any place on.
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

# What is read at one time, and for one page: a page that a filter leaves nearly empty ends early.
AT_ONCE, MOST_READ = 20, 400
KINDS = ("webhook", "schedule", "email", SELF_TEST)

# The name and the line's number in it, by which all is sorted, and what is there; None where it is enough for one page.
Place = tuple[str, int]
Found = tuple[Place, dict[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Some deliveries, and where the next page begins; empty on the last one."""

    deliveries: tuple[dict[str, Any], ...]
    next_cursor: str


async def delivery_page(store: Store, *, limit: int, cursor: str = "", trigger: str = "") -> DeliveryPage:
    """The deliveries of that trigger, or of all where it is empty, from the cursor on."""
    name, _, number = cursor.partition(".")
    found: list[dict[str, Any]] = []
    async for place, line in _side_by_side(_runs(store, name), _lines(store, name)):
        if place < (name, int(number or 0)):
            continue
        if len(found) == limit or line is None:
            return DeliveryPage(deliveries=tuple(found), next_cursor=f"{place[0]}.{place[1]}")
        if not trigger or line["trigger"] == trigger:
            found.append(line)
    return DeliveryPage(deliveries=tuple(found), next_cursor="")


async def _side_by_side(*streams: AsyncIterator[Found]) -> AsyncIterator[Found]:
    """What several sorted streams give, sorted."""
    heads = [await anext(stream, None) for stream in streams]
    while any(heads):
        first = min((head for head in heads if head), key=lambda head: head[0])
        yield first
        index = heads.index(first)
        heads[index] = await anext(streams[index], None)


async def _runs(store: Store, first: str) -> AsyncIterator[Found]:
    """The runs that a delivery has started, from that name on."""
    after = f"{PREFIX}run-{first}" if first else ""
    for _ in range(0, MOST_READ, AT_ONCE):
        ids = await run_ids(store, after, AT_ONCE)
        for run, stored in zip(ids, await _read(store, [layout.run_record_key(run) for run in ids]), strict=True):
            record = read_record(run, stored) if stored else None
            if record and record.kind in KINDS:
                yield (run.removeprefix("run-"), 0), _accepted(record)
        if len(ids) < AT_ONCE:
            return
        after = key_after(ids[-1])
    if ids := await run_ids(store, after, 1):
        yield (ids[0].removeprefix("run-"), 0), None


async def _lines(store: Store, first: str) -> AsyncIterator[Found]:
    """The lines about deliveries that started nothing, from that name on."""
    keys = await _pieces(store, first)
    for start in range(0, len(keys), AT_ONCE):
        if start >= MOST_READ:
            yield (_name(keys[start]), 0), None
            return
        batch = keys[start : start + AT_ONCE]
        for key, content in zip(batch, await _read(store, batch), strict=True):
            for index, line in enumerate(reversed(content.splitlines())):
                yield (_name(key), index), json.loads(line)


async def _pieces(store: Store, first: str) -> list[str]:
    """The pieces from that one on, as many as one page reads and one more."""
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


def _accepted(record: RunRecord) -> dict[str, Any]:
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
