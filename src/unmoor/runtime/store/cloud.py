"""A store behind obstore: S3, Google Cloud Storage, Azure Blob Storage, and memory for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from unmoor.runtime.errors import TransientError

from .protocol import StoredObject, StoreEntry

T = TypeVar("T")
# What a version is made of where a store has no use for one of the two; `generation` is Google's.
SEPARATOR = "|"


class RemoteStore:
    """The store that an obstore store is."""

    is_local = False

    def __init__(self, store: Any) -> None:
        self.store = store

    async def get(self, key: str) -> StoredObject | None:
        try:
            result = await obstore.get_async(self.store, key)
            content = bytes(await result.bytes_async())
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise _fault(key, error) from error
        return StoredObject(content=content, version=_version(result.meta))

    async def put_if_absent(self, key: str, content: bytes) -> str | None:
        try:
            return _version(await obstore.put_async(self.store, key, content, mode="create", use_multipart=False))
        except (AlreadyExistsError, PreconditionError):
            return None
        except BaseError as error:
            raise _fault(key, error) from error

    async def compare_and_swap(self, key: str, content: bytes, version: str) -> str | None:
        try:
            mode = _condition(version)
            return _version(await obstore.put_async(self.store, key, content, mode=mode, use_multipart=False))
        except (PreconditionError, AlreadyExistsError, FileNotFoundError):
            return None
        except BaseError as error:
            raise _fault(key, error) from error

    async def put(self, key: str, content: bytes) -> str:
        return _version(await _reached(key, obstore.put_async(self.store, key, content)))

    async def delete(self, key: str) -> None:
        try:
            await obstore.delete_async(self.store, key)
        except FileNotFoundError:
            return
        except BaseError as error:
            raise _fault(key, error) from error

    async def list(self, prefix: str, *, after: str = "") -> AsyncIterator[StoreEntry]:
        try:
            async for batch in obstore.list(self.store, prefix or None, offset=after or None):
                for meta in sorted(batch, key=lambda m: m["path"]):
                    yield StoreEntry(
                        key=meta["path"],
                        size_bytes=meta["size"],
                        modified=meta["last_modified"],
                        version=_version(meta),
                    )
        except BaseError as error:
            raise _fault(prefix, error) from error

    async def upload(self, key: str, path: Path) -> None:
        await _reached(key, obstore.put_async(self.store, key, path))

    async def download(self, key: str, path: Path) -> bool:
        try:
            result = await obstore.get_async(self.store, key)
            with path.open("wb") as file:
                async for chunk in result.stream(min_chunk_size=4 * 1024 * 1024):
                    await asyncio.to_thread(file.write, memoryview(chunk))
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise
            return False
        except BaseError as error:
            raise _fault(key, error) from error
        return True


def _version(meta: Any) -> str:
    return f"{meta.get('e_tag') or ''}{SEPARATOR}{meta.get('version') or ''}"


def _condition(version: str) -> Any:
    """S3 and Azure compare the e-tag, Google the generation; a member that is None is refused, so it is left out."""
    e_tag, _, generation = version.rpartition(SEPARATOR)
    return {k: v for k, v in (("e_tag", e_tag), ("version", generation)) if v}


async def _reached(key: str, call: Awaitable[T]) -> T:
    try:
        return await call
    except BaseError as error:
        raise _fault(key, error) from error


def _fault(key: str, error: BaseError) -> TransientError:
    """One line of what obstore says at length; it names the request, and never a header with a credential."""
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return TransientError(f"store: {key}: {first[:300]}")
