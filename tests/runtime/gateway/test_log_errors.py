"""What goes wrong in a gateway's own work is said, and does not end the work."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from unmoor.runtime.errors import TransientError
from unmoor.runtime.gateway.queue.coalesce import CoalescedCall
from unmoor.runtime.logs import log_errors


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (TransientError("the store is away"), [("the store is away", {"level": "error"})]),
        (KeyError("a secret"), [("a sweep failed", {"level": "error", "error": "KeyError"})]),
    ],
)
def test_what_fails_is_logged_and_its_words_only_where_they_are_ours(error: Exception, says: Any) -> None:
    logged: list[tuple[str, dict[str, Any]]] = []

    def log(message: str, **fields: Any) -> None:
        logged.append((message, {name: value for name, value in fields.items() if name != "where"}))

    async def fails() -> None:
        raise error

    async def whole() -> tuple[bool, bool]:
        return await log_errors(fails, "a sweep", log=log), await CoalescedCall(act=fails, log=lambda *_, **__: None)()

    assert asyncio.run(whole()) == (False, False)
    assert logged == says
