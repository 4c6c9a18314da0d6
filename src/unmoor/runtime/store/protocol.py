"""The object store of the runtime: whole objects, put-if-absent and compare-and-swap.

Every backend behaves the same and passes one suite, tests/runtime/store. A key is a relative path of the parts
`[A-Za-z0-9._=-]+` joined by `/`, and no key is below another.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object's content, and its version for a compare-and-swap."""

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
    """An object store; every method raises TransientError if the store cannot be reached or rejects the request.

    `is_local`: writes take milliseconds and cost nothing, as in a folder of this machine.
    """

    is_local: bool

    async def get(self, key: str) -> StoredObject | None:
        """The object, None if it does not exist."""
        ...

    async def put_if_absent(self, key: str, content: bytes) -> str | None:
        """Stores the object and returns its version; None without a change if it exists."""
        ...

    async def compare_and_swap(self, key: str, content: bytes, version: str) -> str | None:
        """Replaces the object if that version is current and returns the new one; otherwise None without a change."""
        ...

    async def put(self, key: str, content: bytes) -> str:
        """Stores or replaces the object; returns its version."""
        ...

    async def delete(self, key: str) -> None:
        """Deletes the object if it exists."""
        ...

    def list(self, prefix: str, *, after: str = "") -> AsyncIterator[StoreEntry]:
        """The objects whose keys begin with the prefix (empty, or ending with `/`) and are greater than `after`, in the
        order of their keys."""
        ...

    async def upload(self, key: str, path: Path) -> None:
        """Stores a file's content without holding it in memory."""
        ...

    async def download(self, key: str, path: Path) -> bool:
        """Writes the object to a file without holding it in memory; False if it does not exist."""
        ...
