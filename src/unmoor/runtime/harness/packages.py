"""The npm package that each harness is, in one place, and how it is put into a folder.

It needs the standard library alone: the Dockerfile runs this one file, with HARNESS VERSION FOLDER BIN. Packages
of one platform are installed where there are any: they hold the program itself, without a wrapper in Node and without a
script that runs while it is installed.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

INSTALL_S = 900
# Pi's package says `engines: node >=22.19`; it fails on an older one with a syntax error.
NODE_AT_LEAST = (22, 19)
NODE_VERSION = "22.23.3"
_TRIPLES = {
    "linux-x64": "x86_64-unknown-linux-musl",
    "linux-arm64": "aarch64-unknown-linux-musl",
    "darwin-x64": "x86_64-apple-darwin",
    "darwin-arm64": "aarch64-apple-darwin",
}


class NotInstalled(Exception):
    """The program could not be installed; the text is one line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A program's name, the package that holds it, and where in it; of one written for Node its package says where."""

    program: str
    package: str
    version: str = "{version}"
    inside: str = ""
    folder: str = ""

    @property
    def needs_node(self) -> bool:
        return not self.inside

    def spec(self, version: str) -> str:
        """What npm is asked for."""
        return f"{self.package}@{self.version}".format(version=version, **_platform())

    def path(self, folder: Path) -> Path:
        """The program below the folder that the package was installed into; it need not be there."""
        root = folder / "node_modules" / (self.folder or self.package).format(**_platform())
        return root / (self.inside.format(**_platform()) or _main(root, self.program))


PACKAGES: Mapping[str, Package] = {
    "claude-code": Package(program="claude", package="@anthropic-ai/claude-code-{os}-{cpu}", inside="claude"),
    "codex": Package(
        program="codex",
        package="@openai/codex",
        version="{version}-{os}-{cpu}",
        inside="vendor/{triple}/bin/codex",
    ),
    "opencode": Package(program="opencode", package="opencode-{os}-{cpu}", inside="bin/opencode"),
    "pi": Package(program="pi", package="@earendil-works/pi-coding-agent"),
    "gemini": Package(program="gemini", package="@google/gemini-cli"),
    "goose": Package(program="goose", package="@aaif/goose-binary-{os}-{cpu}", inside="bin/goose"),
}
NODE = Package(program="node", package="node-{os}-{cpu}", inside="bin/node")


def install_package(package: Package, version: str, folder: Path) -> Path:
    """The program's path, after it was installed into the folder if it was not there.

    It is made beside the folder and renamed, so that nobody ever sees half of it; of two at once one is thrown away.
    """
    if not package.path(folder).exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".installing-"))
        try:
            _npm_install(package, version, staging)
            _put(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return package.path(folder)


def native_node() -> Path | None:
    """This machine's Node, if it is new enough and no script that stands for one."""
    found = shutil.which("node")
    if found is None or _begins(Path(found)) == b"#!":
        return None
    try:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(found).resolve() if is_new_enough(said) else None


def is_new_enough(version: str) -> bool:
    """Whether a Node that says this of itself runs every harness."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2]) >= NODE_AT_LEAST


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2)


def _npm_install(package: Package, version: str, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled(f"there is no npm to install {package.program} with; install Node.js, which brings it")
    quiet = ("--no-audit", "--no-fund", "--no-save", "--no-package-lock", "--loglevel=error")
    command = [npm, "install", "--prefix", str(folder), "--ignore-scripts", *quiet, package.spec(version)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False, cwd=folder)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"npm did not install {package.spec(version)} within {INSTALL_S} s; try again") from None
    if done.returncode != 0:
        raise NotInstalled(f"npm did not install {package.spec(version)}: {_reason(done.stderr)}")
    if not package.path(folder).exists():
        raise NotInstalled(f"{package.spec(version)} holds no {package.program} where one is looked for")


def _reason(errors: str) -> str:
    """npm's first line that says more than a code."""
    lines = [re.sub(r"^npm (error|ERR!)\s*(notarget|network|404)?\s*", "", line) for line in errors.splitlines()]
    return next((line for line in lines if line and not line.startswith("code ")), "it gave no reason")


def _put(staging: Path, folder: Path) -> None:
    staging.chmod(0o755)  # an image is made by root and runs as another
    try:
        staging.rename(folder)
    except OSError:  # another was faster
        if not folder.exists():
            raise


def _main(root: Path, program: str) -> str:
    """The script that a package says is its program; a name that nothing has, where it says none."""
    try:
        commands = json.loads((root / "package.json").read_text(encoding="utf-8")).get("bin")
    except (OSError, ValueError):
        return "not-there"
    return commands if isinstance(commands, str) else (commands or {}).get(program, "not-there")


def _platform() -> dict[str, str]:
    """The machine as packages' names have it."""
    cpu = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine())
    return {"os": sys.platform, "cpu": cpu, "triple": _TRIPLES.get(f"{sys.platform}-{cpu}", "unknown")}


def main(arguments: list[str]) -> int:
    """Installs the harness into the folder and links its program into BIN; `command` is the user's own."""
    name, version, folder, links = arguments
    if name == "command":
        return 0
    if name not in PACKAGES:
        print(f"unknown harness {name}", file=sys.stderr)
        return 2
    try:
        program = install_package(PACKAGES[name], version, Path(folder))
    except NotInstalled as problem:
        print(problem, file=sys.stderr)
        return 1
    program.chmod(0o755)
    os.symlink(program, Path(links) / PACKAGES[name].program)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
