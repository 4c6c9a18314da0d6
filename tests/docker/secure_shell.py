"""A way by ssh that is the test's own: its key, its server's key, and what a client has to be told."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

SSHD = "/usr/sbin/sshd"
CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/key.pub
PidFile {folder}/pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
MaxStartups 100
"""
WITHIN_S = 60


@dataclass(frozen=True, kw_only=True)
class Way:
    """To root on a port of this machine's loopback, with files in a folder."""

    folder: Path
    port: int

    @property
    def host(self) -> str:
        """As `targets.vm-docker.host` has it."""
        return f"ssh://root@127.0.0.1:{self.port}"

    @property
    def options(self) -> list[str]:
        """As `targets.vm-docker.ssh_opts` has them."""
        return ["-i", str(self.folder / "key"), "-o", f"UserKnownHostsFile={self.folder / 'known'}"]

    @property
    def public_key(self) -> str:
        return (self.folder / "key.pub").read_text().strip()

    def know(self, host_key: str) -> None:
        """Trusts the server that has this key, and no other."""
        kind, key, *_ = host_key.split()
        (self.folder / "known").write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")

    def command(self, *more: str) -> list[str]:
        return ["ssh", *self.options, "-o", "BatchMode=yes", "-p", str(self.port), "root@127.0.0.1", *more]

    def answers(self) -> None:
        """Waits until a command runs at the other end."""
        deadline = time.monotonic() + WITHIN_S
        while (tried := _ran(self.command("true"))).returncode:
            assert time.monotonic() < deadline, tried.stderr
            time.sleep(0.3)

    @contextlib.contextmanager
    def tunnel(self, port: int) -> Iterator[str]:
        """The URL under which a port of the other end's loopback is reached from here."""
        own = free_port()
        command = self.command("-N", "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{own}:127.0.0.1:{port}")
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
            try:
                until_open(own)
                yield f"http://127.0.0.1:{own}"
            finally:
                process.terminate()


def way(folder: Path) -> Way:
    """A way with a new key; nothing is at its other end yet."""
    if shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
        pytest.skip("ssh is not installed: Debian's package is openssh-client")
    folder.mkdir()
    make_key(folder / "key")
    return Way(folder=folder, port=free_port())


@contextlib.contextmanager
def sshd(folder: Path) -> Iterator[Way]:
    """A server on this machine's loopback; skips where there is none to start."""
    if not Path(SSHD).exists():
        pytest.skip("sshd is not installed: Debian's package is openssh-server")
    found = way(folder)
    make_key(folder / "host")
    (folder / "config").write_text(CONFIG.format(port=found.port, folder=folder))
    found.know((folder / "host.pub").read_text())
    Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.DEVNULL) as process:
        try:
            found.answers()
            yield found
        finally:
            process.terminate()


def make_key(file: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def until_open(port: int) -> None:
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on {port}"
            time.sleep(0.1)


def _ran(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
