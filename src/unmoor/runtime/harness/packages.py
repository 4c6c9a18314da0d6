"""Each harness's npm package, and how it is installed into a folder.

It uses only the standard library: the Dockerfile runs this one file, with HARNESS VERSION FOLDER BIN. Packages for one
platform are preferred: they hold the program itself, without a wrapper in Node and without an install script.
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
    """The program cannot be installed; the text is one line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A program, its npm package, and its path inside; a program written for Node is found through package.json."""

    program: str
    package: str
    version: str = "{version}"
    inside: str = ""
    folder: str = ""

    @property
    def needs_node(self) -> bool:
        return not self.inside

    def spec(self, version: str) -> str:
        """The package and version for npm."""
        return f"{self.package}@{self.version}".format(version=version, **_platform())

    def path(self, folder: Path) -> Path:
        """The program's path below the folder of the installation; it need not exist."""
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
    """The program's path, after installing the package into the folder unless it exists.

    It is installed beside the folder and renamed, so that a partial installation is never visible.
    """
    if not package.path(folder).exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".installing-"))
        try:
            _npm_install(package, version, staging)
            _move(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return package.path(folder)


def native_node() -> Path | None:
    """This machine's Node, if it is new enough and not a wrapper script."""
    node = shutil.which("node")
    if node is None:
        return None
    try:
        with open(node, "rb") as file:
            is_script = file.read(2) == b"#!"
        result = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(node).resolve() if not is_script and is_new_enough(result.stdout) else None


def is_new_enough(version: str) -> bool:
    """Whether a Node of this version runs every harness."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2]) >= NODE_AT_LEAST


def _npm_install(package: Package, version: str, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled(f"npm is required to install {package.program}; install Node.js, which includes npm")
    options = ("--no-audit", "--no-fund", "--no-save", "--no-package-lock", "--loglevel=error")
    command = [npm, "install", "--prefix", str(folder), "--ignore-scripts", *options, package.spec(version)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False, cwd=folder)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"npm did not install {package.spec(version)} within {INSTALL_S} s; try again") from None
    if result.returncode != 0:
        raise NotInstalled(f"npm did not install {package.spec(version)}: {_reason(result.stderr)}")
    if not package.path(folder).exists():
        raise NotInstalled(f"{package.spec(version)} does not contain {package.program} at the expected path")


def _reason(errors: str) -> str:
    """npm's first line that is more than a code."""
    lines = [re.sub(r"^npm (error|ERR!)\s*(notarget|network|404)?\s*", "", line) for line in errors.splitlines()]
    return next((line for line in lines if line and not line.startswith("code ")), "no reason given")


def _move(staging: Path, folder: Path) -> None:
    staging.chmod(0o755)  # root builds an image, and another user runs it
    try:
        staging.rename(folder)
    except OSError:  # another process was faster
        if not folder.exists():
            raise


def _main(root: Path, program: str) -> str:
    """The program's script by package.json; a name that does not exist if there is none."""
    try:
        commands = json.loads((root / "package.json").read_text(encoding="utf-8")).get("bin")
    except (OSError, ValueError):
        return "missing"
    return commands if isinstance(commands, str) else (commands or {}).get(program, "missing")


def _platform() -> dict[str, str]:
    """This platform, as in package names."""
    cpu = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine())
    return {"os": sys.platform, "cpu": cpu, "triple": _TRIPLES.get(f"{sys.platform}-{cpu}", "unknown")}


def main(arguments: list[str]) -> int:
    """Installs the harness into the folder and links its program into BIN; `command` needs no installation."""
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
