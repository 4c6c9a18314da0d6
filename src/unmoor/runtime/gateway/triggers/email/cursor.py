"""Up to which mail an inbox is done with, kept in the store."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from unmoor.runtime.state import keys
from unmoor.runtime.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """All mail of that account up to this UID is done with; a UID means nothing once `validity` is another."""

    account: str
    validity: int
    uid: int
    at: datetime


async def read_cursor(store: Store, trigger: str) -> Cursor | None:
    """The cursor; None where there is none that this release can read."""
    stored = await store.get(keys.mailbox_cursor_key(trigger))
    try:
        values: dict[str, Any] = json.loads(stored.content) if stored else {}
        return Cursor(**{**values, "at": datetime.fromisoformat(values["at"])})
    except (ValueError, KeyError, TypeError):
        return None


async def write_cursor(store: Store, trigger: str, cursor: Cursor) -> None:
    """Moves it."""
    await store.put(
        keys.mailbox_cursor_key(trigger), json.dumps({**asdict(cursor), "at": cursor.at.isoformat()}).encode()
    )
