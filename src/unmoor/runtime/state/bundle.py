"""The bundle in the container: fetched by its digest, verified, unpacked."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.config import AgentConfig, read_config
from unmoor.runtime.errors import ConfigurationError, TransientError
from unmoor.runtime.harness.protocol import Skill
from unmoor.runtime.store.protocol import Store
from unmoor.runtime.tar_extract import extract
from unmoor.runtime.waiting import wait_event

from . import keys

# A grant can take minutes to be in force after a deployment created it, and the shortest time that a platform gives a
# container to start is 100 s. https://docs.cloud.google.com/iam/docs/access-change-propagation
PATIENCE_S = 90.0
BACKOFF = Backoff(first_s=0.5, cap_s=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackedBundle:
    """The agent, and the folder of its unpacked bundle, with `files/` and `skills/`."""

    agent: AgentConfig
    folder: Path
    sha256: str

    def skills(self) -> tuple[Skill, ...]:
        """The skills with all their files."""
        root = self.folder / "skills"
        folders = sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else []
        return tuple(Skill(name=folder.name, files=tuple(_files(folder))) for folder in folders)


async def fetch_bundle(store: Store, sha256: str, folder: Path) -> UnpackedBundle:
    """Unpacks the bundle with this digest into the folder; ConfigurationError where it is missing or corrupt."""
    archive = await read_bundle(store, sha256)
    if archive is None:
        raise ConfigurationError(f"bundle {sha256} is not in the store; deploy again")
    return await asyncio.to_thread(unpack_bundle, archive, sha256, folder)


async def fetch_bundle_patiently(
    store: Store,
    sha256: str,
    folder: Path,
    *,
    stop: asyncio.Event,
    log: Callable[..., None],
    backoff: Backoff = BACKOFF,
    clock: Callable[[], float] = time.monotonic,
) -> UnpackedBundle:
    """Like `fetch_bundle`, and retries for PATIENCE_S while the store rejects or cannot answer the request; raises the
    last TransientError after that time, or at once when `stop` is set."""
    deadline, failures = clock() + PATIENCE_S, 0
    while True:
        try:
            return await fetch_bundle(store, sha256, folder)
        except TransientError as error:
            failures += 1
            pause_s = backoff.pause_s(failures)
            if clock() + pause_s > deadline or await wait_event(stop, pause_s):
                raise
            log("the bundle cannot be fetched yet", error=str(error), failures=failures)


async def read_bundle(store: Store, sha256: str) -> bytes | None:
    """The archive with this digest, None where the store has none.

    Its key is the digest, or is below the digest where the deployment cannot write the same key twice.
    """
    if (stored := await store.get(keys.bundle_key(sha256))) is not None:
        return stored.content
    async for entry in store.list(keys.bundle_prefix(sha256)):
        if (stored := await store.get(entry.key)) is not None:
            return stored.content
    return None


def unpack_bundle(archive: bytes, sha256: str, folder: Path) -> UnpackedBundle:
    """Unpacks the archive into the folder; ConfigurationError where its digest differs."""
    digest = hashlib.sha256(archive).hexdigest()
    if digest != sha256:
        raise ConfigurationError(f"bundle {sha256} is corrupt: the digest of its content is {digest}")
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        extract(tar, folder)
    return UnpackedBundle(agent=read_config((folder / "config.json").read_bytes()), folder=folder, sha256=sha256)


def _files(folder: Path) -> list[tuple[str, bytes, bool]]:
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    return [(p.relative_to(folder).as_posix(), p.read_bytes(), bool(p.stat().st_mode & 0o100)) for p in paths]
