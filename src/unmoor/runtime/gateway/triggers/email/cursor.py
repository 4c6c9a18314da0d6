"""The cursor of an inbox, in the store: the last email that is done."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from unmoor.runtime.state import keys
from unmoor.runtime.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """All email of the account up to this UID is done; UIDs are valid only for this `validity`."""

    account: str
    validity: int
    uid: int
    at: datetime


async def read_cursor(store: Store, trigger: str) -> Cursor | None:
    """The stored cursor; None where it is missing or cannot be parsed."""
    stored = await store.get(keys.mailbox_cursor_key(trigger))
    try:
        values: dict[str, Any] = json.loads(stored.content) if stored else {}
        return Cursor(**{**values, "at": datetime.fromisoformat(values["at"])})
    except (ValueError, KeyError, TypeError):
        return None


async def write_cursor(store: Store, trigger: str, cursor: Cursor) -> None:
    await store.put(
        keys.mailbox_cursor_key(trigger), json.dumps({**asdict(cursor), "at": cursor.at.isoformat()}).encode()
    )
