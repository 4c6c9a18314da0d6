"""An event loop whose clock jumps to the next timer instead of waiting, and a store for it that lives in memory."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from unmoor.runtime.store import StoredObject

T = TypeVar("T")
START = datetime(2026, 11, 24, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Nothing may wait for a socket or a thread."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self.now_s


class _Jumping(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._clocked = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self._clocked.now_s += timeout
        return super().select(0 if timeout is not None else None)


def run_virtual(main: Coroutine[Any, Any, T], *, limit_s: float = 1e7) -> T:
    """Runs it on a loop of its own; TimeoutError after so many virtual seconds."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(asyncio.wait_for(main, limit_s))


def virtual_now() -> datetime:
    """The loop's time as a date: midnight at the loop's start."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


class MemoryStore:
    """The operations that the budget needs; each takes `delay()` seconds before it has its effect. `asked` names them."""

    def __init__(self, delay: Callable[[], float] = lambda: 0.01) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.asked: list[str] = []
        self.faults: list[Callable[[str], bool]] = []
        self._delay = delay
        self._versions = 0

    async def get(self, key: str) -> StoredObject | None:
        await self._begin("get")
        return self.objects.get(key)

    async def put_if_absent(self, key: str, content: bytes) -> str | None:
        await self._begin("create")
        return None if key in self.objects else self._put(key, content)

    async def compare_and_swap(self, key: str, content: bytes, version: str) -> str | None:
        await self._begin("replace")
        current = self.objects.get(key)
        return self._put(key, content) if current and current.version == version else None

    async def put(self, key: str, content: bytes) -> str:
        return self._put(key, content)

    def _put(self, key: str, content: bytes) -> str:
        self._versions += 1
        self.objects[key] = StoredObject(content=content, version=str(self._versions))
        return str(self._versions)

    async def _begin(self, what: str) -> None:
        from unmoor.runtime.errors import TransientError

        self.asked.append(what)
        await asyncio.sleep(self._delay())
        if any(fails(what) for fails in self.faults):
            raise TransientError("the store does not answer")
