"""A bucket that counts what its vendor would charge for."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from unmoor.runtime.store import Store, StoredObject, StoreEntry, open_store


class CountingStore:
    """A store in memory, and the number of its operations by kind: `read`, `write`, `list` and `delete`. A delete is
    free on every cloud."""

    is_local = False

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or open_store("memory://")
        self.counts: Counter[str] = Counter()

    @property
    def charged(self) -> int:
        return sum(count for kind, count in self.counts.items() if kind != "delete")

    async def get(self, key: str) -> StoredObject | None:
        self.counts["read"] += 1
        return await self.store.get(key)

    async def put_if_absent(self, key: str, content: bytes) -> str | None:
        self.counts["write"] += 1
        return await self.store.put_if_absent(key, content)

    async def compare_and_swap(self, key: str, content: bytes, version: str) -> str | None:
        self.counts["write"] += 1
        return await self.store.compare_and_swap(key, content, version)

    async def put(self, key: str, content: bytes) -> str:
        self.counts["write"] += 1
        return await self.store.put(key, content)

    async def delete(self, key: str) -> None:
        self.counts["delete"] += 1
        await self.store.delete(key)

    def list(self, prefix: str, *, after: str = "") -> AsyncIterator[StoreEntry]:
        self.counts["list"] += 1
        return self.store.list(prefix, after=after)

    async def upload(self, key: str, path: Path) -> None:
        self.counts["write"] += 1
        await self.store.upload(key, path)

    async def download(self, key: str, path: Path) -> bool:
        self.counts["read"] += 1
        return await self.store.download(key, path)
