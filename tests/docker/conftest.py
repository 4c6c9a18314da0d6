"""Docker as it is on this machine, and a base to build on that needs no registry of images."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE = "unmoor-test/base"
# This machine's own certificates, where its way to the package registries needs them; in the tests' base alone.
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
DOCKERFILE = """\
FROM unmoor-test/debian
COPY certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY certificates.crt /usr/local/share/certificates.crt
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && chmod 755 /usr/local/bin/node
ENV NODE_EXTRA_CA_CERTS=/usr/local/share/certificates.crt PIP_CERT=/usr/local/share/certificates.crt
"""

sys.path.insert(0, str(Path(__file__).parent))

from command import docker  # noqa: E402
from daemon import FOLDER, running  # noqa: E402
from facts import FACTS  # noqa: E402
from images import agent_image, caddy_image  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.docker)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if FACTS:
        terminalreporter.write_sep("-", "measured")
        terminalreporter.write_line("\n".join(FACTS))


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """The machine's engine, or one that is started for these tests where that can be done."""
    if shutil.which("docker") is None:
        pytest.skip("no Docker is installed on this machine")
    with running() if docker("info", check=False).returncode else contextlib.nullcontext():
        yield


@pytest.fixture(scope="session")
def base(engine: None) -> str:
    """An image with Debian, Node 22 and npm, made of Debian's packages and npm's once for this machine."""
    if docker("image", "inspect", BASE, check=False).returncode:
        _make_base()
    return BASE


@pytest.fixture(scope="session")
def images(base: str) -> tuple[str, str]:
    """The agent's image and its proxy's."""
    return agent_image(base), caddy_image(base)


def _make_base() -> None:
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        pytest.skip("there is no base to build on: it is made as root by debootstrap, which is not installed")
    folder = FOLDER / f"unmoor-base-{os.getpid()}"
    folder.mkdir()
    try:
        _import_debian(folder / "root")
        _put_node(folder)
        shutil.copy(CERTIFICATES, folder / "certificates.crt")
        (folder / "Dockerfile").write_text(DOCKERFILE)
        (folder / ".dockerignore").write_text("root\n")
        docker("build", "--tag", BASE, str(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _import_debian(root: Path) -> None:
    subprocess.run(["debootstrap", "--variant=minbase", "trixie", str(root)], check=True, capture_output=True)
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
        command = ["docker", "import", "-", "unmoor-test/debian"]
        subprocess.run(command, stdin=tar.stdout, check=True, capture_output=True)


def _put_node(folder: Path) -> None:
    from unmoor.local_folders import cache_folder
    from unmoor.runtime.harness.packages import NODE, NODE_VERSION, install_package

    node = install_package(NODE, NODE_VERSION, cache_folder() / "harness" / f"node-{NODE_VERSION}")
    shutil.copy(node, folder / "node")
    modules = subprocess.run(["npm", "root", "--global"], check=True, capture_output=True, text=True).stdout.strip()
    shutil.copytree(Path(modules) / "npm", folder / "npm")
