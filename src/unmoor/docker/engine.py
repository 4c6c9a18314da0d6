"""A Docker engine by its API: over its socket on this machine, or over SSH as Docker itself does it.

https://docs.docker.com/reference/api/engine/version/v1.45/
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from unmoor.operate.errors import OperateError
from unmoor.operate.platform_api import parse_http_date
from unmoor.runtime.http.error_body import MAX_MESSAGE, parse_error, parse_json_or_text

SOCKET = "unix:///var/run/docker.sock"
PATIENCE_S = 30
SSH_ENDS_S = 2


class DockerUnavailable(OperateError):
    """No engine answers at the address."""


class ContainerNotFound(OperateError):
    """The engine has no such container or image."""


@dataclass(slots=True, kw_only=True)
class DockerHost:
    """One engine: `unix://PATH` or `ssh://[user@]host[:port]`, with options of the ssh client."""

    url: str = SOCKET
    ssh_opts: Sequence[str] = ()
    at: datetime | None = None
    _connection: _Piped | None = field(default=None, repr=False)

    @classmethod
    def of_this_machine(cls) -> DockerHost:
        """The engine that docker on this machine uses, if its scheme is supported."""
        url = os.environ.get("DOCKER_HOST", "")
        return cls(url=url if url.startswith(("unix://", "ssh://")) else SOCKET)

    def __enter__(self) -> DockerHost:
        return self

    def __exit__(self, *gone: object) -> None:
        if self._connection is not None:
            self._connection.close()

    @property
    def is_remote(self) -> bool:
        return self.url.startswith("ssh://")

    def version(self) -> str:
        return str(self.get("/version")["Version"])

    def containers(self, **labels: str) -> list[dict[str, Any]]:
        """The containers with those labels, including stopped ones."""
        filters = json.dumps({"label": [f"{name}={value}" for name, value in sorted(labels.items())]})
        return self.get("/containers/json?" + urlencode({"all": "true", "filters": filters}))

    def container(self, name: str) -> dict[str, Any]:
        """A container; ContainerNotFound if it does not exist."""
        return self.get(f"/containers/{quote(name, safe='')}/json")

    def image(self, name: str) -> dict[str, Any]:
        """An image; ContainerNotFound if it does not exist."""
        return self.get(f"/images/{quote(name, safe='/:@')}/json")

    def last_lines(self, name: str, most: int) -> list[str]:
        path = f"/containers/{quote(name, safe='')}/logs?stdout=true&stderr=true&tail={most}"
        return demultiplex_logs(self._read(path)).decode(errors="replace").splitlines()

    def get(self, path: str) -> Any:
        return json.loads(self._read(path))

    def run(self, command: Sequence[str]) -> str:
        """The output of a command on the machine, over SSH; DockerUnavailable if it fails."""
        done = subprocess.run(
            [*_ssh(self.url, self.ssh_opts), *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
        )
        if done.returncode:
            raise DockerUnavailable(_last_line(done.stderr) or f"{command[0]} ended with {done.returncode}")
        return done.stdout

    @contextlib.contextmanager
    def port_forward(self, port: int) -> Iterator[str]:
        """Forwards a port of the machine's loopback by ssh and gives the local URL; DockerUnavailable if ssh fails."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            here = free.getsockname()[1]
        client, *rest = _ssh(self.url, self.ssh_opts)
        forward = ["-N", "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{here}:127.0.0.1:{port}"]
        with subprocess.Popen([client, *forward, *rest], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            try:
                _until_it_listens(process, here)
                yield f"http://127.0.0.1:{here}"
            finally:
                process.terminate()

    def _read(self, path: str) -> bytes:
        if self._connection is None:
            self._connection = _Piped(self.url, self.ssh_opts)
        try:
            self._connection.request("GET", path)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise DockerUnavailable(
                self._connection.ssh_error() or getattr(error, "strerror", None) or str(error)
            ) from None
        self.at = parse_http_date(answer.headers.get("date", "")) or self.at
        if answer.status >= 300:
            message = parse_error(parse_json_or_text(content))[1]
            raise ContainerNotFound(message) if answer.status == 404 else DockerUnavailable(message)
        return content


class _Piped(http.client.HTTPConnection):
    """A connection to the engine's socket, or to `docker system dial-stdio` at the other end of an ssh client."""

    def __init__(self, url: str, ssh_opts: Sequence[str]) -> None:
        super().__init__("docker", timeout=PATIENCE_S)
        self._url, self._ssh_opts = url, ssh_opts
        self._ssh: subprocess.Popen[bytes] | None = None
        self._ssh_error = ""

    def connect(self) -> None:
        self._end_ssh()
        if self._url.startswith("ssh://"):
            self.sock, theirs = socket.socketpair()
            command = [*_ssh(self._url, self._ssh_opts), "docker", "system", "dial-stdio"]
            try:
                self._ssh = subprocess.Popen(
                    command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.PIPE
                )
            finally:
                theirs.close()
        else:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(PATIENCE_S)
            self.sock.connect(self._url.removeprefix("unix://"))
        self.sock.settimeout(PATIENCE_S)

    def close(self) -> None:
        super().close()
        self._end_ssh()

    def ssh_error(self) -> str:
        """The last line of ssh's standard error, also once http.client has closed the connection; empty without ssh."""
        self._end_ssh()
        return self._ssh_error

    def _end_ssh(self) -> None:
        if self._ssh is not None:
            self._ssh.terminate()
            try:
                _, errors = self._ssh.communicate(timeout=SSH_ENDS_S)
            except subprocess.TimeoutExpired:
                self._ssh.kill()
                _, errors = self._ssh.communicate()
            self._ssh, self._ssh_error = None, _last_line(errors.decode(errors="replace"))


def _until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError):
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        time.sleep(0.05)
    process.kill()
    assert process.stderr is not None
    raise DockerUnavailable(
        _last_line(process.stderr.read().decode(errors="replace")) or "ssh could not forward the port"
    )


def demultiplex_logs(content: bytes) -> bytes:
    """A container's output without the engine's eight-byte frame headers, which it adds if there is no terminal.

    https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach
    """
    pieces: list[bytes] = []
    rest = content
    while len(rest) >= 8 and rest[0] in (0, 1, 2) and rest[1:4] == b"\0\0\0":
        size = int.from_bytes(rest[4:8], "big")
        pieces.append(rest[8 : 8 + size])
        rest = rest[8 + size :]
    return b"".join(pieces) + rest


def _ssh(url: str, options: Sequence[str]) -> list[str]:
    """The ssh command as Docker runs it, in batch mode. The host may be an alias of ssh's configuration, so its letters
    stay as they are."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    port = ["-p", str(parts.port)] if parts.port else []
    user = ["-l", parts.username] if parts.username else []
    quiet = ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
    return ["ssh", *quiet, *(os.path.expanduser(each) for each in options), *user, *port, "--", host]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:MAX_MESSAGE] if lines else ""
