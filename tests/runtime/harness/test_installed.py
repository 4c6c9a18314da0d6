"""Where a harness's program is found, and how it is installed; npm is a script of the test's own here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.harness import packages
from unmoor.runtime.harness.installed import find, install
from unmoor.runtime.harness.packages import NODE, PACKAGES, is_new_enough, main
from unmoor.runtime.harness.versions import HARNESS_VERSIONS

# Stands for npm: notes what it was asked for and puts a program where the package would have it.
NPM = """#!{python}
import os, pathlib, sys
asked = sys.argv[1:]
folder = pathlib.Path(asked[asked.index("--prefix") + 1])
with open({log!r}, "a") as log:
    log.write(" ".join(asked[-1:]) + "\\n")
program = folder / {program!r}
program.parent.mkdir(parents=True)
program.write_text("#!/bin/sh\\necho 1.2.3\\n")
program.chmod(0o755)
"""


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def npm(bin_folder: Path, harness: str) -> Path:
    """Puts the stand-in for npm on the PATH; the file in which it notes what it was asked for."""
    log = bin_folder.parent / "npm.log"
    program = PACKAGES[harness].path(Path("/x")).relative_to("/x")
    text = NPM.format(python=sys.executable, log=str(log), program=str(program))
    script(bin_folder / "npm", text)
    return log


def test_the_packages_are_those_of_the_harnesses() -> None:
    assert set(PACKAGES) == set(HARNESS_VERSIONS) - {"command"}


@pytest.mark.parametrize(
    ("machine", "harness", "spec"),
    [
        ("x86_64", "claude-code", "@anthropic-ai/claude-code-linux-x64@1.0.0"),
        ("aarch64", "codex", "@openai/codex@1.0.0-linux-arm64"),
        ("x86_64", "opencode", "opencode-linux-x64@1.0.0"),
        ("x86_64", "pi", "@earendil-works/pi-coding-agent@1.0.0"),
        ("x86_64", "gemini", "@google/gemini-cli@1.0.0"),
        ("arm64", "goose", "@aaif/goose-binary-linux-arm64@1.0.0"),
    ],
)
def test_npm_is_asked_for_the_package_of_the_machine(
    machine: str, harness: str, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages.platform, "machine", lambda: machine)
    monkeypatch.setattr(packages.sys, "platform", "linux")
    assert PACKAGES[harness].spec("1.0.0") == spec


def test_it_is_installed_once_and_found_again(tmp_path: Path, bin_folder: Path) -> None:
    log = npm(bin_folder, "goose")
    for _ in range(2):
        install("goose", "1.2.3", tmp_path)
    assert log.read_text().splitlines() == [PACKAGES["goose"].spec("1.2.3")]
    folder = tmp_path / "harness" / "goose-1.2.3"
    found = find("goose", "1.2.3", tmp_path)
    assert str(found.paths["goose"]) == str(PACKAGES["goose"].path(folder))
    assert found.folders == (folder,)
    assert [path.name for path in folder.parent.iterdir()] == ["goose-1.2.3"]


def test_anybody_may_read_what_was_installed(tmp_path: Path, bin_folder: Path) -> None:
    npm(bin_folder, "goose")
    install("goose", "1.2.3", tmp_path)
    assert (tmp_path / "harness" / "goose-1.2.3").stat().st_mode & 0o777 == 0o755


def test_of_two_that_install_at_once_one_result_stands(tmp_path: Path, bin_folder: Path) -> None:
    npm(bin_folder, "goose")
    folder = tmp_path / "harness" / "goose-1.2.3"
    slow = (bin_folder / "npm").read_text() + f"os.makedirs({str(folder)!r} + '/node_modules')\n"
    script(bin_folder / "npm", slow)
    with pytest.raises(ConfigurationError):  # the other one's is not whole, and is left alone all the same
        find("goose", "1.2.3", tmp_path)
    install("goose", "1.2.3", tmp_path)
    assert sorted(p.name for p in folder.iterdir()) == ["node_modules"]
    assert not PACKAGES["goose"].path(folder).exists()


def test_without_npm_it_says_so(tmp_path: Path, bin_folder: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        install("codex", "1.2.3", tmp_path)
    assert str(caught.value) == ("harness codex: npm is required to install codex; install Node.js, which includes npm")


def test_what_npm_says_is_told_in_one_line(tmp_path: Path, bin_folder: Path) -> None:
    script(
        bin_folder / "npm",
        "#!/bin/sh\nprintf 'npm error code E\\nnpm error notarget No such version.\\n' >&2; exit 1\n",
    )
    with pytest.raises(ConfigurationError) as caught:
        install("pi", "9.9.9", tmp_path)
    assert str(caught.value) == (
        "harness pi: npm did not install @earendil-works/pi-coding-agent@9.9.9: No such version."
    )
    assert not list((tmp_path / "harness").iterdir())


def test_a_package_without_its_program_is_refused(tmp_path: Path, bin_folder: Path) -> None:
    script(bin_folder / "npm", "#!/bin/sh\nexit 0\n")
    with pytest.raises(ConfigurationError) as caught:
        install("pi", "1.2.3", tmp_path)
    assert str(caught.value) == (
        "harness pi: @earendil-works/pi-coding-agent@1.2.3 does not contain pi at the expected path"
    )


def test_one_that_is_on_the_path_in_the_right_version_will_do(tmp_path: Path, bin_folder: Path) -> None:
    program = script(bin_folder / "goose", "#!/bin/sh\necho goose 1.2.3\n")
    found = find("goose", "1.2.3", tmp_path)
    assert (str(found.paths["goose"]), found.folders) == (str(program), (bin_folder,))


def test_one_of_npm_s_own_is_readable_with_all_that_it_needs(tmp_path: Path, bin_folder: Path) -> None:
    inside = tmp_path / "lib" / "node_modules" / "wrapped" / "node_modules" / "goose" / "goose"
    script(inside, "#!/bin/sh\necho 1.2.3\n")
    (bin_folder / "goose").symlink_to(inside)
    found = find("goose", "1.2.3", tmp_path)
    assert (str(found.paths["goose"]), found.folders) == (str(inside), (tmp_path / "lib" / "node_modules",))


def test_another_version_on_the_path_is_refused(tmp_path: Path, bin_folder: Path) -> None:
    program = script(bin_folder / "goose", "#!/bin/sh\necho 1.0.0\n")
    with pytest.raises(ConfigurationError) as caught:
        find("goose", "1.2.3", tmp_path)
    assert str(caught.value) == (
        f"harness goose: {program} is version 1.0.0, and this agent uses 1.2.3; "
        "unmoor dev --install installs it, or write harness: {version: 1.0.0}"
    )


def test_one_that_does_not_say_its_version_is_refused(tmp_path: Path, bin_folder: Path) -> None:
    script(bin_folder / "goose", "#!/bin/sh\nexit 1\n")
    with pytest.raises(ConfigurationError, match="is version unknown, and this agent uses 1"):
        find("goose", "1.2.3", tmp_path)


def test_one_that_is_nowhere_is_refused(tmp_path: Path, bin_folder: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find("claude-code", "1.2.3", tmp_path)
    assert str(caught.value) == "harness claude-code 1.2.3 is not installed; unmoor dev --install installs it"


def test_a_command_of_one_s_own_is_neither_installed_nor_looked_for(tmp_path: Path, bin_folder: Path) -> None:
    install("command", "none", tmp_path)
    assert find("command", "none", tmp_path).paths == {}


def pi_is_there(cache: Path) -> Path:
    """A Pi in the cache, as its package has it."""
    package = cache / "harness" / "pi-1.2.3" / "node_modules" / PACKAGES["pi"].package
    script(package / "cli.js", "")
    (package / "package.json").write_text('{"bin": {"pi": "cli.js"}}')
    return package / "cli.js"


def test_one_in_javascript_comes_with_the_node_that_it_needs(tmp_path: Path, bin_folder: Path) -> None:
    program = pi_is_there(tmp_path)
    node = NODE.path(tmp_path / "harness" / f"node-{packages.NODE_VERSION}")
    script(node, "")
    found = find("pi", "1.2.3", tmp_path)
    assert {name: str(path) for name, path in found.paths.items()} == {"pi": str(program), "node": str(node)}
    assert len(found.folders) == 2


def test_without_a_node_that_will_do_it_says_what_to_do(tmp_path: Path, bin_folder: Path) -> None:
    pi_is_there(tmp_path)
    script(bin_folder / "node", "this is no program")
    with pytest.raises(ConfigurationError) as caught:
        find("pi", "1.2.3", tmp_path)
    assert str(caught.value) == "pi needs Node 22.19 or newer; unmoor dev --install installs it"


@pytest.mark.parametrize(
    ("version", "will_do"),
    [("v22.19.0", True), ("v24.0.1", True), ("v22.18.9", False), ("v20.20.2", False), ("", False), ("what", False)],
)
def test_which_node_will_do(version: str, will_do: bool) -> None:
    assert is_new_enough(version) is will_do


def test_a_script_that_stands_for_node_will_not_do(tmp_path: Path, bin_folder: Path) -> None:
    pi_is_there(tmp_path)
    script(bin_folder / "node", "#!/bin/sh\necho v24.0.1\n")
    with pytest.raises(ConfigurationError, match="pi needs Node"):
        find("pi", "1.2.3", tmp_path)


def test_the_image_links_the_program_into_its_path(tmp_path: Path, bin_folder: Path) -> None:
    npm(bin_folder, "goose")
    links = tmp_path / "links"
    links.mkdir()
    assert main(["goose", "1.2.3", str(tmp_path / "there"), str(links)]) == 0
    assert subprocess.run([links / "goose"], capture_output=True, text=True).stdout == "1.2.3\n"
    assert main(["command", "none", str(tmp_path), str(links)]) == 0
    assert os.listdir(links) == ["goose"]


def test_the_image_of_an_unknown_harness_is_not_built(
    tmp_path: Path, bin_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["aider", "1", str(tmp_path / "x"), str(tmp_path)]) == 2
    assert main(["codex", "1.0.0", str(tmp_path / "x"), str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        "unknown harness aider\nnpm is required to install codex; install Node.js, which includes npm\n"
    )
