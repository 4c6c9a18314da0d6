"""A run's own folders, and the paths that its harness may read and write.

A session's folder has the same path in every run, because harnesses find sessions by the workspace's path.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from unmoor.runtime.harness.installed import SYSTEM
from unmoor.runtime.sandbox.landlock import Rules
from unmoor.runtime.state.keys import session_digest

from .file_tree import remove_tree

# An image holds only the agent's files, so the harness may read all of it except these.
UNREADABLE_IN_IMAGE = ("dev", "run", "store", "tmp", "work")
DEVICES = ("null", "zero", "full", "random", "urandom", "fd")
# Terminals are shared with every process of the machine or container: whoever opens one reads what is typed there.
TERMINALS = ("tty", "ptmx", "pts")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDirectories:
    """A run's folders: `work` is where the harness starts, `home` its HOME, `temp` its TMPDIR, `own` the runner's."""

    root: Path
    own: Path

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def temp(self) -> Path:
        return self.root / "temp"

    def make(self) -> None:
        """Creates them empty: an earlier run may have left files."""
        self.remove()
        for folder in (self.work, self.home, self.temp, self.own):
            folder.mkdir(parents=True, mode=0o700)

    def remove(self) -> None:
        for folder in (self.root, self.own):
            remove_tree(folder)


def run_directories(work_root: Path, *, run: str, session: str) -> RunDirectories:
    """The folders of a run; all runs of a session share theirs."""
    name = f"s-{session_digest(session)}" if session else run
    return RunDirectories(root=work_root / name, own=work_root / f"own-{run}")


def sandbox_rules(
    run: RunDirectories,
    port: int,
    *,
    in_image: bool,
    alone: bool,
    programs: Iterable[Path] = (),
    hidden: Iterable[Path] = (),
) -> Rules:
    """The paths that the harness may open, and the one port that it may connect to.

    `programs` are the harness's folders outside the system's, and `hidden` paths that it must not read, wherever they
    are. `alone`: the container holds only this run; elsewhere sockets of the file system lead to other processes, such
    as Docker, and terminals to other people's.
    """
    image = [f"/{name}" for name in sorted(os.listdir("/")) if name not in UNREADABLE_IN_IMAGE]
    own_container = in_image and alone
    devices = (*DEVICES, *(TERMINALS if own_container else ()))
    read = map(Path, (*(image if in_image else SYSTEM), *programs))
    return Rules(
        read=tuple(map(str, leave_out(read, frozenset(path.resolve() for path in hidden)))),
        write=tuple(map(str, (run.work, run.home, run.temp, *(Path("/dev", name) for name in devices)))),
        ports=(port,),
        local_sockets=own_container,
    )


def leave_out(readable: Iterable[Path], hidden: frozenset[Path]) -> Iterator[Path]:
    """The readable paths without the hidden ones: a folder with one inside is replaced by its entries."""
    for path in readable:
        real = path.resolve()
        if real in hidden:
            continue
        if any(real in each.parents for each in hidden):
            # What a link leads to is readable only if it lies in a readable folder itself.
            entries = sorted(entry for entry in _entries(real) if not entry.is_symlink())
            yield from leave_out(entries, hidden)
        else:
            yield path


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except PermissionError:
        return []
