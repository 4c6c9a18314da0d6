"""What the runtime asks of an object store: whole objects, put-if-absent and compare-and-swap.

Every backend gives the same answers; tests/runtime/store holds each to the same suite. A key is a relative path of
the parts `[A-Za-z0-9._=-]+` joined by `/`, and no key lies below another.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object's content, and the version that a compare-and-swap must name."""

    content: bytes
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreEntry:
    """One object of a listing."""

    key: str
    size_bytes: int
    modified: datetime
    version: str


class Store(Protocol):
    """An object store; every method raises InfrastructureFault where the store cannot be reached or refuses.

    `is_near` where an object is put within milliseconds and at no price, as in a folder of this machine.
    """

    is_local: bool

    async def get(self, key: str) -> StoredObject | None:
        """The object, or None where there is none."""
        ...

    async def put_if_absent(self, key: str, content: bytes) -> str | None:
        """Puts it if there is none and returns its version; None, and nothing changed, where there is one."""
        ...

    async def compare_and_swap(self, key: str, content: bytes, version: str) -> str | None:
        """Puts it if that version is the newest and returns the new one; None, and nothing changed, where it is not."""
        ...

    async def put(self, key: str, content: bytes) -> str:
        """Puts it, whatever was there; returns its version."""
        ...

    async def delete(self, key: str) -> None:
        """Removes it; nothing where there is none."""
        ...

    def list(self, prefix: str, *, after: str = "") -> AsyncIterator[StoreEntry]:
        """The objects whose keys begin with the prefix (which ends with `/`, or is empty) and come after `after`, in
        the keys' order."""
        ...

    async def upload(self, key: str, path: Path) -> None:
        """Puts a file's content, whatever was there, without holding it in memory."""
        ...

    async def download(self, key: str, path: Path) -> bool:
        """Writes the object to a file, without holding it in memory; False where there is none."""
        ...
