"""Runs a harness in a network of its own where every address leads back here, and tells what it tried to reach.

It is started by `unshare --user --map-root-user --net`: there is no way out, every address of the world is this machine's
own, and names and connections that are asked for are written down instead of answered. The last line of its output is
JSON: how the run ended, the names that were looked up, the connections to ports of the web, and what the proxy was asked.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from clis import real_job, run  # noqa: E402
from jobs import TOKEN  # noqa: E402
from model_server import Shell, Text, model_server  # noqa: E402


def main(harness: str) -> None:
    make_the_world_loopback()
    names: list[str] = []
    connections: list[str] = []
    proxied: list[str] = []
    watch(socket.SOCK_DGRAM, 53, lambda listening: names.append(question(listening.recvfrom(4096)[0])))
    for port in (80, 443, 853):
        watch(socket.SOCK_STREAM, port, lambda listening: connections.append(accepted(listening)))
    proxy = watch(socket.SOCK_STREAM, 0, lambda listening: proxied.append(refused(listening)))
    with tempfile.TemporaryDirectory() as root, model_server(Shell("echo done"), Text("all is done")) as server:
        url = f"http://run:{TOKEN}@127.0.0.1:{proxy}"
        ran = run(harness, real_job(harness, server.url, Path(root), proxy=url, instructions="Be kind"))
    said = {"status": ran.outcome.status, "names": names, "connections": connections, "proxied": proxied}
    print(json.dumps(said))


def make_the_world_loopback() -> None:
    for command in ("link set lo up", "route add local default dev lo"):
        subprocess.run(["ip", *command.split()], check=True)


def watch(kind: int, port: int, seen: Callable[[socket.socket], None]) -> int:
    """Listens on every address until the process ends; the port that it listens on."""
    listening = socket.socket(socket.AF_INET, kind)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("0.0.0.0", port))
    if kind == socket.SOCK_STREAM:
        listening.listen(64)

    def for_ever() -> None:
        while True:
            seen(listening)

    threading.Thread(target=for_ever, daemon=True).start()
    return listening.getsockname()[1]


def question(packet: bytes) -> str:
    """The name that a DNS query asks for. https://www.rfc-editor.org/rfc/rfc1035#section-4.1.2"""
    labels, at = [], 12
    while at < len(packet) and packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode("ascii", "replace"))
        at += 1 + packet[at]
    return ".".join(labels)


def accepted(listening: socket.socket) -> str:
    """Takes a connection, closes it, and says which address was meant."""
    connection, _ = listening.accept()
    with connection:
        return "{}:{}".format(*connection.getsockname())


def refused(listening: socket.socket) -> str:
    """Takes a request to a proxy, refuses it, and says what was asked."""
    connection, _ = listening.accept()
    with connection:
        connection.settimeout(5)
        head = connection.recv(4096).split(b"\r\n")[0].decode("ascii", "replace")
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
        return head


if __name__ == "__main__":
    main(sys.argv[1])
