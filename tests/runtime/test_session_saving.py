"""A run that dies at any moment while it saves its session leaves the state of the run before it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from unmoor.runtime.run.sessions import Session, acquire_session
from unmoor.runtime.state import keys
from unmoor.runtime.store import open_store
from unmoor.runtime.store.protocol import Store

NOW = datetime(2026, 11, 29, tzinfo=UTC)


class DeathError(BaseException):
    """The runner is killed here."""


class DyingStore:
    """Dies at the operation of that name: before it, or with what it wrote in place."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.dies_at, self.done_first = "", False

    def __getattr__(self, name: str) -> Any:
        async def act(*arguments: Any) -> Any:
            if name == self.dies_at and not self.done_first:
                raise DeathError(name)
            result = await getattr(self.inner, name)(*arguments)
            if name == self.dies_at:
                raise DeathError(name)
            return result

        return act


@pytest.mark.parametrize("done_first", [False, True])
@pytest.mark.parametrize("dies_at", ["upload", "compare_and_swap", "delete"])
def test_a_run_that_dies_while_saving_loses_nothing_of_the_previous_one(
    tmp_path: Path, dies_at: str, done_first: bool
) -> None:
    store: Any = DyingStore(open_store("memory://"))

    async def hold(run: str) -> Session:
        held = await acquire_session(store, "k", run, clock=lambda: NOW)
        assert isinstance(held, Session)
        return held

    async def save(run: str, text: str, dies: str) -> None:
        root = tmp_path / run
        (root / "work").mkdir(parents=True)
        (root / "work" / "file").write_text(text)
        held = await hold(run)
        store.dies_at, store.done_first = dies, done_first
        await held.save(root, ("work",), tmp_path, harness="command", session="")
        await held.release()

    async def both() -> str:
        await save("run-1", "first", "")
        with pytest.raises(DeathError):
            await save("run-2", "second", dies_at)
        store.dies_at = ""
        # The lease of the run that died is over; here its own id takes it again.
        await (await hold("run-2")).restore(tmp_path / "restored", tmp_path)
        return (tmp_path / "restored" / "work" / "file").read_text()

    named = dies_at == "delete" or (dies_at == "compare_and_swap" and done_first)
    assert asyncio.run(both()) == ("second" if named else "first")
    assert keys.session_state_key("k", "run-1") != keys.session_state_key("k", "run-2")
