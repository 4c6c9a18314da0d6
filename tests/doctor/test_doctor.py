"""`unmoor doctor`, as a user runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from forked import UNMOOR

from unmoor.target.registry import load, names

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def doctor(folder: Path, *arguments: str, path: str = "") -> Any:
    environment = {"PATH": path or str(folder / "nothing"), "HOME": str(folder), "DOCKER_HOST": f"unix://{folder}/none"}
    return subprocess.run(
        [*UNMOOR, "doctor", *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=120
    )


def program(folder: Path, name: str, text: str) -> str:
    """Puts a program into a folder of its own, and gives that."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    (place / name).write_text(f"#!{sys.executable}\nimport sys\n{text}\n")
    (place / name).chmod(0o755)
    return str(place)


def test_a_machine_without_pulumi_is_told_what_to_run(tmp_path: Path) -> None:
    done = doctor(tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    topics = {line[7:25].strip(): (line[:6].strip(), line[26:]) for line in done.stdout.splitlines()}
    assert topics["Python"] == ("fine", sys.version.split()[0])
    assert topics["Pulumi CLI"] == ("wrong", "not on PATH; unmoor doctor --install")


PULUMI = """
if sys.argv[1] == "version": print("v3.299.0")
if sys.argv[1:3] == ["plugin", "ls"]: print(open(sys.path[0] + "/plugins").read())
if sys.argv[1:3] == ["plugin", "install"]: open(sys.path[0] + "/installed", "a").write(" ".join(sys.argv[3:]) + "\\n")
"""


def test_a_targets_plugins_are_looked_for_and_installed_where_that_is_asked(tmp_path: Path) -> None:
    path = program(tmp_path, "pulumi", PULUMI)
    plugins = Path(path, "plugins")
    plugins.write_text(json.dumps([{"name": "random", "kind": "resource", "version": "0.1.0"}]))
    found = {
        each["topic"]: each for each in json.loads(doctor(tmp_path, "-t", "vm-docker", "--json", path=path).stdout)
    }
    assert found["Pulumi CLI"]["state"] == "fine"
    wanted = found["plugin docker"]["install"]
    assert wanted[:5] == ["pulumi", "plugin", "install", "resource", "docker"]
    assert found["plugin random"]["said"].startswith("0.1.0 is installed, but ")
    done = doctor(tmp_path, "-t", "vm-docker", "--install", "--json", path=path)
    assert {each["topic"] for each in json.loads(done.stdout)} >= {"Python", "Pulumi CLI", "plugin docker"}
    assert f"runs {' '.join(wanted)}\n" in done.stderr
    assert Path(path, "installed").read_text().splitlines()[0] == " ".join(wanted[3:])


def test_what_cannot_be_installed_has_one_line(tmp_path: Path) -> None:
    path = program(tmp_path, "pulumi", PULUMI.replace('if sys.argv[1:3] == ["plugin", "install"]', "if False"))
    Path(path, "plugins").write_text("[]")
    with Path(path, "pulumi").open("a") as more:
        more.write('if sys.argv[1:3] == ["plugin", "install"]: sys.exit("no such plugin")\n')
    done = doctor(tmp_path, "-t", "vm-docker", "--install", path=path)
    assert (done.returncode, done.stdout) == (1, "")
    runs, said, failed = done.stderr.splitlines()
    command = runs.removeprefix("runs ")
    assert (said, failed) == ("no such plugin", f"{command} failed, with exit code 1")


def test_a_machine_without_docker_is_told_why_it_is_needed(tmp_path: Path) -> None:
    spec = {"version": 1, "name": "agent", "harness": {"name": "command", "command": ["cat"]}}
    host = f"unix://{tmp_path}/no.sock"
    (tmp_path / "unmoor.yaml").write_text(json.dumps({**spec, "targets": {"vm-docker": {"host": host}}}))
    done = doctor(tmp_path, ".", "--json")
    found = next(each for each in json.loads(done.stdout) if each["topic"] == "Docker")
    assert done.returncode == 1
    assert found["said"] == "does not answer on this machine: No such file or directory"
    assert found["todo"] == "start it, or give yourself access; everything runs there"


def test_a_target_can_be_looked_at_without_a_spec(tmp_path: Path) -> None:
    done = doctor(tmp_path, "-t", "vm-docker")
    assert "the machine is targets.vm-docker.host of a spec; give the spec" in done.stdout
    unknown = doctor(tmp_path, "-t", "vm-doker")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr.startswith("unknown target 'vm-doker'; did you mean vm-docker?")


@pytest.mark.parametrize("target", names())
def test_the_packages_of_a_target_are_those_of_its_graphs(target: str) -> None:
    texts = [file.read_text() for file in (ROOT / "tests" / "golden").glob(f"*.{target}.txt")]
    used = {found for text in texts for found in re.findall(r"^([a-z-]+):\S+ \S+ <- ", text, re.M)}
    declared = load(target).packages
    assert used - {"pulumi", "unmoor"} == set(declared)
    assert list(declared) == sorted(declared)
