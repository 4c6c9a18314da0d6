"""A store behind obstore: S3, Google Cloud Storage, Azure Blob Storage, and memory for tests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from unmoor.runtime.errors import ConfigurationError, TransientError

from .conditions import UNCONDITIONAL
from .protocol import StoredObject, StoreEntry

# Between a version's e-tag and generation; a store may use only one of them, and `generation` is Google's.
SEPARATOR = "|"
CONFLICTS = (AlreadyExistsError, PreconditionError)
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, which Google's XML API shares, and
# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
NO_BUCKET = re.compile("NoSuchBucket|ContainerNotFound|ContainerBeingDeleted")

# Where obstore asks the platform for credentials once it has found none in the environment.
METADATA = re.compile(r"169\.254\.\d+\.\d+|metadata\.google\.internal")
NO_CREDENTIALS = "store: no credentials were found for it; log in with the vendor's command line, or set its variables"


class RemoteStore:
    """A Store over an obstore store."""

    is_local = False

    def __init__(self, store: Any) -> None:
        self.store = store

    async def get(self, key: str) -> StoredObject | None:
        with _transient_errors(key, may_be_absent=True):
            result = await obstore.get_async(self.store, key)
            content = bytes(await result.bytes_async())
            return StoredObject(content=content, version=_version(result.meta))

    async def put_if_absent(self, key: str, content: bytes) -> str | None:
        with _transient_errors(key), suppress(*CONFLICTS):
            return _version(await obstore.put_async(self.store, key, content, mode="create", use_multipart=False))

    async def compare_and_swap(self, key: str, content: bytes, version: str) -> str | None:
        with _transient_errors(key, may_be_absent=True), suppress(*CONFLICTS):
            mode = _condition(version)
            return _version(await obstore.put_async(self.store, key, content, mode=mode, use_multipart=False))

    async def put(self, key: str, content: bytes) -> str:
        with _transient_errors(key):
            return _version(await obstore.put_async(self.store, key, content))

    async def delete(self, key: str) -> None:
        with _transient_errors(key, may_be_absent=True):
            await obstore.delete_async(self.store, key)

    async def list(self, prefix: str, *, after: str = "") -> AsyncIterator[StoreEntry]:
        with _transient_errors(prefix):
            async for batch in obstore.list(self.store, prefix or None, offset=after or None):
                for meta in sorted(batch, key=lambda m: m["path"]):
                    yield StoreEntry(
                        key=meta["path"],
                        size_bytes=meta["size"],
                        modified=meta["last_modified"],
                        version=_version(meta),
                    )

    async def upload(self, key: str, path: Path) -> None:
        with _transient_errors(key):
            await obstore.put_async(self.store, key, path)

    async def download(self, key: str, path: Path) -> bool:
        with _transient_errors(key, may_be_absent=True):
            result = await obstore.get_async(self.store, key)
            with path.open("wb") as file:
                async for chunk in result.stream(min_chunk_size=4 * 1024 * 1024):
                    await asyncio.to_thread(file.write, memoryview(chunk))
            return True
        return False


def _version(meta: Any) -> str:
    return f"{meta.get('e_tag') or ''}{SEPARATOR}{meta.get('version') or ''}"


def _condition(version: str) -> Any:
    """S3 and Azure compare the e-tag, Google the generation; obstore rejects a member that is None."""
    e_tag, _, generation = version.rpartition(SEPARATOR)
    return {k: v for k, v in (("e_tag", e_tag), ("version", generation)) if v}


@contextmanager
def _transient_errors(key: str, *, may_be_absent: bool = False) -> Iterator[None]:
    """Raises obstore's errors as TransientError with their first line, which names no header with a credential.

    obstore raises the same error for a missing object and for a missing bucket; only the first may be expected.
    """
    try:
        yield
    except FileNotFoundError as error:
        if NO_BUCKET.search(str(error)):
            raise TransientError("store: the bucket does not exist; create it, or correct the store's URL") from error
        if not may_be_absent:
            raise TransientError(f"store: {key}: {_first_line(error)}") from error
    except NotImplementedError as error:
        raise ConfigurationError(UNCONDITIONAL) from error
    except BaseError as error:
        if NO_BUCKET.search(str(error)):
            raise TransientError("store: the bucket does not exist; create it, or correct the store's URL") from error
        if METADATA.search(str(error)):
            raise TransientError(NO_CREDENTIALS) from error
        raise TransientError(f"store: {key}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]
