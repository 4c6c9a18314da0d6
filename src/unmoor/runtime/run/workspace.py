"""The workspace: the bundle's files, the repositories, and the run's input files."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unmoor.runtime.config import Repo
from unmoor.runtime.errors import WorkspaceError
from unmoor.runtime.harness.protocol import FileToWrite
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.run_record import RunRecord
from unmoor.runtime.store.protocol import Store

from .below import is_folder_below, move_below, open_top, status_below, write_below
from .directories import RunDirectories
from .file_tree import remove_tree
from .git import Git


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
            await self._clone(repo)
        await asyncio.to_thread(self._copy_files)

    async def refresh(self) -> list[tuple[Path, Path]]:
        """Bring a session's workspace up to date: rewrite the bundle's files and mirror each repository.

        Returns pairs of mirror and clone. The caller fetches in a confined process, since the harness may have written
        the clone's git configuration.
        """
        await asyncio.to_thread(self._copy_files)
        fetches: list[tuple[Path, Path]] = []
        for number, repo in enumerate(self.bundle.agent.repos):
            with open_top(self.directories.work) as work:
                is_there = status_below(work, repo.path) is not None
                is_clone = is_folder_below(work, f"{repo.path}/.git")
            if is_clone:
                bare = self.directories.temp / f"fetched-{number}.git"
                await self.git.mirror(repo, self._credential(repo.credential), bare)
                fetches.append((bare, self.directories.work / repo.path))
            elif not is_there:
                await self._clone(repo)
        return fetches

    async def _clone(self, repo: Repo) -> None:
        """Clones beside the workspace and moves the clone into it: git would follow a link on the way there."""
        cloned = self.directories.own / "clone"
        await asyncio.to_thread(remove_tree, cloned)
        await self.git.clone(repo, self._credential(repo.credential), cloned)
        try:
            with open_top(self.directories.work) as work:
                move_below(cloned, work, repo.path)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise WorkspaceError(f"context.repos: {repo.path} in the workspace is taken: {reason}") from None

    def _credential(self, name: str) -> str:
        return self.credential(name) if name else ""

    def _copy_files(self) -> None:
        root = self.bundle.folder / "files"
        sources = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else []
        with open_top(self.directories.work) as top:
            for source in sources:
                mode = source.stat().st_mode & 0o777
                write_below(top, str(source.relative_to(root)), source.read_bytes(), mode=mode)


def write_harness_files(files: tuple[FileToWrite, ...], places: RunDirectories) -> None:
    """Write the files that the harness needs; every path is below its home, workspace or temporary folder."""
    for file in files:
        path = Path(file.path)
        root = next(r for r in (places.home, places.work, places.temp) if path.is_relative_to(r))
        with open_top(root) as top:
            write_below(top, str(path.relative_to(root)), file.content, mode=file.mode)


async def download_inputs(store: Store, record: RunRecord, work: Path) -> None:
    """Write the run's inputs into the workspace; WorkspaceError if one is missing from the store or has changed."""
    for file in record.inputs:
        stored = await store.get(keys.input_key(record.id, file.path))
        if stored is None or hashlib.sha256(stored.content).hexdigest() != file.sha256:
            raise WorkspaceError(f"{file.path}, an input of this run, is no longer in the store or was changed")
        await asyncio.to_thread(_write_input, work, file.path, stored.content)


def _write_input(work: Path, name: str, content: bytes) -> None:
    with open_top(work) as top:
        write_below(top, name, content, mode=0o644)
