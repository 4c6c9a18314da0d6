"""A gateway on the loopback of a machine elsewhere is reached by ssh."""

from __future__ import annotations

import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from unmoor.docker.engine import DockerHost, DockerUnavailable
from unmoor.operate.gateway_client import GatewayHttp
from unmoor.target.registry import load

# Plays the client: it forwards what -L says, and keeps what it was started with.
SSH = """#!{python}
import socket, sys, threading
arguments = sys.argv[1:]
open({told!r}, "w").write(" ".join(arguments))
here, there = (int(p) for p in arguments[arguments.index("-L") + 1].split(":")[1::2])
def pass_on(one, other):
    while data := one.recv(65536):
        other.sendall(data)
    other.shutdown(socket.SHUT_WR)
with socket.create_server(("127.0.0.1", here)) as listening:
    while True:
        client, _ = listening.accept()
        server = socket.create_connection(("127.0.0.1", there))
        for pair in ((client, server), (server, client)):
            threading.Thread(target=pass_on, args=pair, daemon=True).start()
"""


class Gateway(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"runs": []}')

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def plays_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    (folder / "ssh").write_text(script)
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_loopback_elsewhere_is_asked_by_ssh_under_its_own_name(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays_ssh(tmp_path, monkeypatch, SSH.format(python=sys.executable, told=str(tmp_path / "told")))
    target = load("vm-docker")
    settings = target.settings(host="ssh://me@example.com:2222", ssh_opts=["-i", "key"], hostname=None)
    url = f"http://127.0.0.1:{port}"
    asking = GatewayHttp(url=url, token="t", token_from="here", tunnel=lambda it: target.open_tunnel(it, settings))
    assert asking.values("GET", "/runs") == {"runs": []}
    asking.close()
    assert (asking.url, f"127.0.0.1:{port}" in (tmp_path / "told").read_text()) == (url, True)
    assert (tmp_path / "told").read_text().endswith("-i key -l me -p 2222 -- example.com")


def test_what_ssh_says_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plays_ssh(tmp_path, monkeypatch, "#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    host = DockerHost(url="ssh://me@example.com")
    with pytest.raises(DockerUnavailable, match=r"^Host key verification failed\.$"), host.port_forward(8080):
        pass


def test_what_ssh_says_is_said_where_the_engine_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plays_ssh(tmp_path, monkeypatch, "#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    with DockerHost(url="ssh://me@example.com") as host:
        for _ in range(2):
            with pytest.raises(DockerUnavailable, match=r"^Host key verification failed\.$"):
                host.version()


@pytest.mark.parametrize(
    ("url", "arguments"),
    [
        ("ssh://BuildBox", "-- BuildBox docker"),
        ("ssh://a+b@build_box:2222", "-l a+b -p 2222 -- build_box docker"),
        ("ssh://me@[fd00::1]:22", "-l me -p 22 -- fd00::1 docker"),
    ],
)
def test_a_host_is_called_as_it_is_written_since_it_may_be_an_alias(
    url: str, arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays_ssh(tmp_path, monkeypatch, f'#!/bin/sh\necho "$@" > {tmp_path}/told\nexit 255\n')
    with DockerHost(url=load("vm-docker").settings(host=url).host) as host, pytest.raises(DockerUnavailable):  # type: ignore[attr-defined]
        host.version()
    assert f"ConnectTimeout=10 {arguments}" in (tmp_path / "told").read_text()


@pytest.mark.parametrize(
    ("host", "url"),
    [("local", "http://127.0.0.1:1"), ("unix:///x.sock", "http://127.0.0.1:1"), ("ssh://h", "https://a.example.com")],
)
def test_any_other_address_is_its_own_way(host: str, url: str) -> None:
    target = load("vm-docker")
    with target.open_tunnel(url, target.settings(host=host)) as found:
        assert found == url
