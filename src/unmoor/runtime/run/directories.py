"""A run's own folders, and the paths that its harness may read and write.

A session's folder has the same path in every run, because harnesses find sessions by the workspace's path.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from unmoor.runtime.harness.installed import SYSTEM
from unmoor.runtime.sandbox.landlock import Rules
from unmoor.runtime.state.keys import session_digest

from .file_tree import remove_tree

# An image holds only the agent's files, so the harness may read all of it except these.
UNREADABLE_IN_IMAGE = ("dev", "run", "store", "tmp", "work")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "fd")


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
    run: RunDirectories, port: int, *, in_image: bool, alone: bool, programs: Iterable[Path] = ()
) -> Rules:
    """The paths that the harness may open, and the one port that it may connect to.

    `programs` are the harness's folders outside the system's. `alone`: the container holds only this run; elsewhere
    sockets of the file system lead to other processes, such as Docker.
    """
    image = [f"/{name}" for name in sorted(os.listdir("/")) if name not in UNREADABLE_IN_IMAGE]
    write = (run.work, run.home, run.temp, *(Path("/dev", d) for d in DEVICES))
    return Rules(
        read=(*(image if in_image else SYSTEM), *map(str, programs)),
        write=tuple(map(str, write)),
        ports=(port,),
        local_sockets=in_image and alone,
    )
