"""Whatever a harness made of its folders, they are kept as far as they can be, and gone afterwards."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs import Bench, shell

from unmoor.runtime.run.below import open_top
from unmoor.runtime.run.escaped_name import escape_file_name
from unmoor.runtime.run.file_tree import remove_tree, walk
from unmoor.runtime.run.session_archive import pack, unpack
from unmoor.runtime.state import keys as layout

pytestmark = pytest.mark.process

DEEP = 1500
# Makes folders deeper than any path, one step at a time.
DIG = f"import os\nfor i in range({DEEP}): os.mkdir('d' * 20); os.chdir('d' * 20)\nopen('bottom', 'w')\n"


def dig(root: Path) -> None:
    subprocess.run([sys.executable, "-c", DIG], cwd=root, check=True)


def test_a_deep_tree_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    dig(top)
    remove_tree(top)
    assert not top.exists()


def test_a_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("stays")
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    remove_tree(tmp_path / "top")
    remove_tree(tmp_path / "link")
    remove_tree(tmp_path / "never-was")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["elsewhere"]
    assert (tmp_path / "elsewhere" / "file").read_text() == "stays"


def test_a_walk_names_each_folder_before_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("a", "b/c/d", "b/e", "z"):
        (tmp_path / name).write_text("")
    with open_top(tmp_path) as top:
        assert [found.name for found in walk(top)] == ["a", "b", "z", "b/c", "b/e", "b/c/d"]


def test_a_session_with_a_deep_tree_is_saved_without_what_lies_too_deep(tmp_path: Path) -> None:
    agent = Bench(tmp_path, shell(f'echo kept > kept; python3 -c "{DIG}"'))
    run = agent.run(session="k")
    assert (run.record.status, run.record.reason) == ("succeeded", "")
    texts = [e["text"] for e in run.of("notice")]
    assert texts == [
        "1 files or folders of the session were not saved: nested too deep, unreadable, or beyond 16 GiB in all"
    ]
    assert list((tmp_path / "work").iterdir()) == []
    agent.spec = shell("cat kept")
    assert agent.run(session="k").record.answer == "kept"


def test_a_home_of_many_thousand_files_is_saved_and_removed(tmp_path: Path) -> None:
    make = "import os\nfor i in range(20):\n  os.mkdir(f'd{i}')\n  for j in range(1000): open(f'd{i}/{j}', 'w')\n"
    agent = Bench(tmp_path, shell(f'cd $HOME; mkdir -p session; cd session; python3 -c "{make}"'))
    began = time.monotonic()
    assert agent.run(session="k").record.status == "succeeded"
    agent.spec = shell("find $UNMOOR_SESSION_FOLDER -type f | wc -l")
    assert agent.run(session="k").record.answer.strip() == "20000"
    assert time.monotonic() - began < 60


def test_names_that_are_not_utf8_pipes_and_sockets_do_no_harm(tmp_path: Path) -> None:
    script = r"""mkfifo pipe; ln -s pipe link; printf x > "$(printf 'caf\351')"; printf y > "$(printf 'new\nline')" """
    run = Bench(tmp_path, shell(script, run={"artifacts": ["**"]})).run(session="k")
    assert (run.record.status, run.record.reason) == ("succeeded", "")
    assert [a.path for a in run.record.artifacts] == [r"caf\xe9", r"new\x0aline"]
    assert (run.artifact(r"caf\xe9"), run.artifact(r"new\x0aline")) == (b"x", b"y")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name.txt", "plain name.txt"),
        ("日本語/é", "日本語/é"),
        ("a\nsucceeded", r"a\x0asucceeded"),
        ("evil\u202egnp.exe", r"evil\u202egnp.exe"),
        ("\udcff\udcfe", r"\xff\xfe"),
        ("back\\slash", "back\\\\slash"),
        (r"a\x0a", r"a\\x0a"),
        ("\x1b[31m\u2028", r"\x1b[31m\u2028"),
        ("a\u3164.sh\u2800", r"a\u3164.sh\u2800"),
    ],
)
def test_a_name_shows_every_character_that_a_list_would_hide(name: str, shown: str) -> None:
    assert escape_file_name(name) == shown


def test_artifacts_beyond_their_size_in_all_are_left_out_and_named(tmp_path: Path) -> None:
    script = "truncate -s 1T a-sparse; head -c 700000 /dev/zero > b; head -c 700000 /dev/zero > c; echo x > d"
    run = Bench(tmp_path, shell(script, run={"artifacts": ["*"], "max_artifacts": "1Mi"})).run()
    assert run.record.status == "succeeded"
    assert [(a.path, a.size_bytes) for a in run.record.artifacts] == [("b", 700000), ("d", 2)]
    (notice,) = run.of("notice")
    assert notice["text"] == "run.artifacts: 'a-sparse' and 1 more not saved: beyond run.max_artifacts, 1Mi in all"


def test_a_session_leaves_a_giant_sparse_file_out_and_says_it(tmp_path: Path) -> None:
    agent = Bench(tmp_path, shell("truncate -s 1T sparse; echo kept > kept; ln kept twice"))
    run = agent.run(session="k")
    assert [e["text"].split(" of the session")[0] for e in run.of("notice")] == ["1 files or folders"]
    agent.spec = shell("ls; cat kept twice")
    assert agent.run(session="k").record.answer.split() == ["kept", "twice", "kept", "kept"]


def test_an_artifact_of_any_name_has_a_key_that_every_store_can_hold(tmp_path: Path) -> None:
    run = Bench(tmp_path, shell('echo x > "$(cat)"', run={"artifacts": ["**"]})).run("日本語" * 20 + "\n")
    assert (run.record.status, run.record.reason) == ("succeeded", "")
    keys = [layout.artifact_key("r", "/".join(["日本語" * 20] * n)) for n in (1, 2, 3, 9)]
    assert len(set(keys)) == 4
    assert all(len(key) <= 1024 for key in keys)
    assert all(len(part) <= 255 for key in keys for part in key.split("/"))
    assert layout.artifact_key("r", "日本語") == "runs/r/artifacts/=E6=97=A5=E6=9C=AC=E8=AA=9E"


@pytest.fixture
def as_nobody(tmp_path: Path) -> Iterator[None]:
    """Root may do anything to any file; what the rights of a folder mean is seen by somebody else."""
    if os.getuid() != 0:
        yield
        return
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o777)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.usefixtures("as_nobody")
def test_rights_that_a_harness_took_away_stop_neither_saving_nor_removing(tmp_path: Path) -> None:
    work = tmp_path / "root" / "work"
    (work / "shut" / "in").mkdir(parents=True)
    (work / "shut" / "in" / "file").write_text("kept")
    (work / "unreadable").write_text("kept too")
    (work / "unreadable").chmod(0)
    (work / "shut" / "in").chmod(0)
    (work / "shut").chmod(0)
    work.chmod(0)
    assert pack(tmp_path / "root", ["work"], tmp_path / "archive") == 0
    unpack(tmp_path / "archive", tmp_path / "again")
    assert (tmp_path / "again/work/shut/in/file").read_text() == "kept"
    file = tmp_path / "again/work/unreadable"
    assert stat.S_IMODE(file.stat().st_mode) == 0
    assert pack(tmp_path / "again", ["work"], tmp_path / "archive") == 0
    for folder in (work / "shut" / "in", work / "shut", work, tmp_path / "root"):
        folder.chmod(0)
    remove_tree(tmp_path / "root")
    remove_tree(tmp_path / "again")
    assert not (tmp_path / "root").exists()
    assert not (tmp_path / "again").exists()
