"""A session's state comes back as it was, and nothing is written outside its folder."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from unmoor.runtime.run.session_archive import pack, unpack
from unmoor.runtime.tar_extract import extract


def tree(root: Path) -> dict[str, tuple[str, str]]:
    """Every path below the root: what it is, and what it holds."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_dir():
            found[name] = ("folder", "")
        elif not path.is_file():
            found[name] = ("other", "")
        else:
            found[name] = (oct(stat.S_IMODE(path.stat().st_mode)), path.read_bytes().decode(errors="replace"))
    return found


def test_files_folders_links_and_modes_come_back(tmp_path: Path) -> None:
    work = tmp_path / "a" / "work"
    (work / "deep" / "er").mkdir(parents=True)
    (work / "empty").mkdir()
    (work / "deep" / "er" / "file").write_text("content")
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    (work / "link").symlink_to("deep/er/file")
    (work / "dangling").symlink_to("/nowhere")
    (work / "folder-link").symlink_to("deep")
    (work / "ü \udcff name").write_text("odd")
    os.mkfifo(work / "pipe")
    (work / "big").write_bytes(os.urandom(3 * 1024 * 1024))
    pack(tmp_path / "a", ["work", "absent"], tmp_path / "archive")
    unpack(tmp_path / "archive", tmp_path / "b")
    expected = tree(tmp_path / "a")
    del expected["work/pipe"]
    assert tree(tmp_path / "b") == expected
    assert (tmp_path / "b/work/run.sh").stat().st_mtime == (work / "run.sh").stat().st_mtime


def test_a_folder_that_is_a_link_is_not_packed(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("the runner's")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "work").symlink_to(tmp_path / "secret")
    pack(tmp_path / "a", ["work"], tmp_path / "archive")
    unpack(tmp_path / "archive", tmp_path / "b")
    assert tree(tmp_path / "b") == {}


def entry(name: str, *, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    made.size = len(content) if kind == tarfile.REGTYPE else 0
    made.mode = 0o4755
    return made


@pytest.mark.parametrize(
    "entries",
    [
        [entry("../outside")],
        [entry("/outside")],
        [entry("a/../../outside")],
        [entry("out", kind=tarfile.SYMTYPE, link=".."), entry("out/outside")],
        [entry("out", kind=tarfile.SYMTYPE, link="../outside"), entry("out")],
        [entry("outside", kind=tarfile.LNKTYPE, link="../victim")],
        [entry("outside", kind=tarfile.CHRTYPE)],
    ],
)
def test_an_archive_writes_nothing_outside_its_folder(tmp_path: Path, entries: list[tarfile.TarInfo]) -> None:
    (tmp_path / "victim").write_text("untouched")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for one in entries:
            tar.addfile(one, io.BytesIO(b"x" * one.size))
    buffer.seek(0)
    (tmp_path / "in").mkdir()
    try:
        with tarfile.open(fileobj=buffer) as tar:
            extract(tar, tmp_path / "in")
    except FileExistsError:
        pass
    assert not (tmp_path / "outside").exists()
    assert (tmp_path / "victim").read_text() == "untouched"
    assert not (tmp_path / "in" / "outside").exists()


def test_no_file_gains_a_set_id_bit(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(entry("file"), io.BytesIO(b"x"))
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as tar:
        extract(tar, tmp_path)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o755
