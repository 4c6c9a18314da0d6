"""`make engine` builds the CLI once, and where it cannot it says one line and stops nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "build_engine.sh"
TOOLS = ("dirname", "mkdir", "rm", "mv", "tail")


def built(tmp_path: Path, go: str = "", pulumi: bool = False) -> tuple[str, list[str]]:
    """What the script says, and what is in the folder afterwards; `go` is what a stand-in for Go does."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(f"/usr/bin/{name}" if Path(f"/usr/bin/{name}").exists() else f"/bin/{name}")
    for name, script in (("go", go), ("pulumi", "exit 0" if pulumi else "")):
        if script:
            (tools / name).write_text(f"#!/bin/sh\n{script}\n")
            (tools / name).chmod(0o755)
    file = tmp_path / "cache" / "pulumi"
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT), "v1.2.3", str(file)],
        env={**os.environ, "PATH": str(tools)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout, sorted(p.name for p in file.parent.glob("*"))


def test_it_is_built_to_one_side_and_put_in_place(tmp_path: Path) -> None:
    said, there = built(tmp_path, go='while [ "$1" != -o ]; do shift; done; echo "program" > "$2"')
    assert said == f"building Pulumi's engine v1.2.3 into {tmp_path}/cache: three minutes, once\n"
    assert there == ["pulumi"]


def test_a_build_that_fails_says_so_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    said, there = built(
        tmp_path, go='while [ "$1" != -o ]; do shift; done; echo "half" > "$2"; echo "no such module" >&2; exit 1'
    )
    assert said.splitlines()[1:] == [
        "Pulumi's engine was not built, so the engine tests skip, saying so: no such module"
    ]
    assert there == []


def test_without_go_it_says_why_the_tests_skip(tmp_path: Path) -> None:
    assert built(tmp_path) == ("no pulumi and no Go to build it with: the engine tests skip, saying so\n", [])


def test_a_pulumi_on_the_path_is_used(tmp_path: Path) -> None:
    assert built(tmp_path, go="exit 1", pulumi=True) == ("", [])


def test_the_version_is_the_one_that_the_tests_look_for() -> None:
    from real_engine import VERSION

    assert f"ENGINE_VERSION := {VERSION}\n" in (ROOT / "Makefile").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 {VERSION} " in (ROOT / "tests" / "engine" / "cli" / "go.mod").read_text()
