"""Below a folder that a harness filled, no link leads the runner elsewhere."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from unmoor.runtime.run.below import (
    is_folder_below,
    move_below,
    open_below,
    open_top,
    status_below,
    write_below,
)
from unmoor.runtime.run.file_tree import open_file, walk


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A workspace with links to a folder outside of it, which holds one file."""
    work, outside = tmp_path / "work", tmp_path / "outside"
    work.mkdir()
    outside.mkdir()
    (outside / "file").write_text("outside")
    (work / "link").symlink_to(outside)
    (work / "to-file").symlink_to(outside / "file")
    (work / "real").mkdir()
    (work / "real" / "up").symlink_to("../link")
    return work


def outside(work: Path) -> list[tuple[str, str]]:
    return [(path.name, path.read_text()) for path in sorted((work.parent / "outside").iterdir())]


@pytest.mark.parametrize("name", ["link/new", "real/up/new", "to-file", "link/file", "to-file/a/b", "new/folder/file"])
def test_a_written_file_takes_the_place_of_links(work: Path, name: str) -> None:
    with open_top(work) as top:
        write_below(top, name, b"mine", mode=0o640)
    assert (work / name).read_bytes() == b"mine"
    assert (work / name).resolve().is_relative_to(work.resolve())
    assert outside(work) == [("file", "outside")]


@pytest.mark.parametrize("name", ["link/clone", "real/up/clone", "to-file/clone"])
def test_a_moved_folder_takes_the_place_of_links_on_its_way(work: Path, name: str) -> None:
    source = work.parent / "clone"
    source.mkdir()
    (source / "a").write_text("a")
    with open_top(work) as top:
        move_below(source, top, name)
    assert (work / name / "a").read_text() == "a"
    assert outside(work) == [("file", "outside")]


def test_a_moved_folder_replaces_nothing_that_is_there(work: Path) -> None:
    source = work.parent / "clone"
    source.mkdir()
    with open_top(work) as top:
        for name in ("link", "to-file", "real"):
            with pytest.raises(OSError, match=r"real|link|to-file|irectory"):
                move_below(source, top, name)


@pytest.mark.parametrize("name", ["link/file", "to-file", "real/up/file", "link", "/etc/passwd", "../outside/file"])
def test_nothing_beyond_a_link_is_opened_or_seen(work: Path, name: str) -> None:
    with open_top(work) as top:
        for act in (lambda: open_below(top, name, os.O_RDONLY), lambda: open_file(top, name)):
            with pytest.raises(OSError, match=r"not a path|symbolic|irectory"):
                act()
        assert not is_folder_below(top, name)
        assert name in ("link", "to-file") or status_below(top, name) is None
        assert {found.name for found in walk(top)} == {"link", "to-file", "real", "real/up"}


def test_a_top_that_is_a_link_is_refused(work: Path) -> None:
    (work.parent / "other").symlink_to(work)
    with pytest.raises(OSError, match="irectory"), open_top(work.parent / "other"):
        pass


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(work: Path) -> None:
    (work / "d").mkdir()
    (work / "e").symlink_to("../outside")
    done = False

    def swap() -> None:
        while not done:
            for old, new in (("d", "f"), ("e", "d"), ("d", "e"), ("f", "d")):
                with contextlib.suppress(OSError):  # the writer makes the folder that is missing
                    os.rename(work / old, work / new)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        with open_top(work) as top:
            for act in [_write(top), _read(top)] * 300:
                act()
    finally:
        done = True
        thread.join()
    assert outside(work) == [("file", "outside")]


def _write(top: int) -> Callable[[], None]:
    def act() -> None:
        try:
            write_below(top, "d/file", b"inside", mode=0o600)
        except OSError:
            return

    return act


def _read(top: int) -> Callable[[], None]:
    def act() -> None:
        try:
            handle = open_file(top, "d/file")
        except OSError:
            return
        with os.fdopen(handle, "rb") as file:
            assert file.read() in (b"", b"inside")

    return act
