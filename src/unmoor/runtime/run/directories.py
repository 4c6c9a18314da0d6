"""Where a run lives: three folders of its own, and what its harness may read and change besides.

A session's folder has the same path in every run, since harnesses find their sessions by the path of the workspace.
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

# In an image there is nothing but the agent's own, so all of it may be read but for these.
HELD_BACK_IN_AN_IMAGE = ("dev", "run", "store", "tmp", "work")
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
        """Makes them empty: what another run may have left here is removed first."""
        for folder in (self.root, self.own):
            remove_tree(folder)
        for folder in (self.work, self.home, self.temp, self.own):
            folder.mkdir(parents=True, mode=0o700)

    def remove(self) -> None:
        """Removes everything of the run from this machine."""
        for folder in (self.root, self.own):
            remove_tree(folder)


def run_directories(work_root: Path, *, run: str, session: str) -> RunDirectories:
    """The folders of a run; those of a session's runs are the same ones."""
    name = f"s-{session_digest(session)}" if session else run
    return RunDirectories(root=work_root / name, own=work_root / f"own-{run}")


def sandbox_rules(
    of: RunDirectories, port: int, *, in_an_image: bool, alone: bool, programs: Iterable[Path] = ()
) -> Rules:
    """What the harness may open, and the one port that it may connect to.

    `programs` are folders that hold it where it is not installed with the system. `alone` says that nothing but this
    run is in its image's container: elsewhere the sockets of the file system lead to others, such as to Docker.
    """
    read = _image_folders() if in_an_image else SYSTEM
    write = (of.work, of.home, of.temp, *(Path("/dev", d) for d in DEVICES))
    return Rules(
        read=(*read, *(str(p) for p in programs)),
        write=tuple(str(p) for p in write),
        ports=(port,),
        local_sockets=in_an_image and alone,
    )


def _image_folders() -> tuple[str, ...]:
    return tuple(f"/{name}" for name in sorted(os.listdir("/")) if name not in HELD_BACK_IN_AN_IMAGE)
