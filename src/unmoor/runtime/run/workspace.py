"""The workspace: the bundle's files, the repositories, and the run's input files."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unmoor.runtime.errors import WorkspaceError
from unmoor.runtime.harness.protocol import FileToWrite
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.run_record import RunRecord
from unmoor.runtime.store.protocol import Store

from .directories import RunDirectories
from .git import Git
from .session_archive import is_real_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Creates or refreshes a run's workspace; `credential` returns a secret's value by its name."""

    bundle: UnpackedBundle
    directories: RunDirectories
    git: Git
    credential: Callable[[str], str]

    async def create(self) -> None:
        """A new workspace: first the repositories, which need an empty folder, then the files."""
        agent = self.bundle.agent
        for repo in agent.repos:
            await self.git.clone(repo, self._credential(repo.credential), self.directories.work / repo.path)
        await asyncio.to_thread(self._copy_files)

    async def refresh(self) -> list[tuple[Path, Path]]:
        """Bring a session's workspace up to date: rewrite the bundle's files and mirror each repository.

        Returns pairs of mirror and clone. The caller fetches in a confined process, since the harness may have written
        the clone's git configuration.
        """
        await asyncio.to_thread(self._copy_files)
        fetches: list[tuple[Path, Path]] = []
        for number, repo in enumerate(self.bundle.agent.repos):
            clone = self.directories.work / repo.path
            if not is_real_folder(self.directories.work, f"{repo.path}/.git"):
                if not clone.exists() and not clone.is_symlink():
                    await self.git.clone(repo, self._credential(repo.credential), clone)
                continue
            bare = self.directories.temp / f"fetched-{number}.git"
            await self.git.mirror(repo, self._credential(repo.credential), bare)
            fetches.append((bare, clone))
        return fetches

    def _credential(self, name: str) -> str:
        return self.credential(name) if name else ""

    def _copy_files(self) -> None:
        root = self.bundle.folder / "files"
        for source in sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else ():
            write_file(
                self.directories.work, source.relative_to(root), source.read_bytes(), mode=source.stat().st_mode & 0o777
            )


def write_file(root: Path, relative: Path, content: bytes, *, mode: int) -> None:
    """Write a file below the root, after removing a link that an earlier run may have put in its place."""
    path = root
    for part in relative.parts[:-1]:
        path = path / part
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            path.unlink()
        path.mkdir(exist_ok=True)
    target = path / relative.name
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    target.write_bytes(content)
    target.chmod(mode)


def write_harness_files(files: tuple[FileToWrite, ...], places: RunDirectories) -> None:
    """Write the files that the harness needs; every path is below its home, workspace or temporary folder."""
    for file in files:
        path = Path(file.path)
        root = next(r for r in (places.home, places.work, places.temp) if path.is_relative_to(r))
        write_file(root, path.relative_to(root), file.content, mode=file.mode)


async def download_inputs(store: Store, record: RunRecord, work: Path) -> None:
    """Write the run's inputs into the workspace; WorkspaceError if one is missing from the store or has changed."""
    for file in record.inputs:
        stored = await store.get(keys.input_key(record.id, file.path))
        if stored is None or hashlib.sha256(stored.content).hexdigest() != file.sha256:
            raise WorkspaceError(f"{file.path}, an input of this run, is no longer in the store or was changed")
        await asyncio.to_thread(write_file, work, Path(file.path), stored.content, mode=0o644)
