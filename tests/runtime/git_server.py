"""A git server on loopback behind TLS and a CONNECT proxy, as a run reaches one through the guard."""

from __future__ import annotations

import base64
import http.server
import os
import select
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

HOST = "git.example.com"
# How long a server takes to notice that it is told to end.
POLL_S = 0.02
TOKEN = "ghp-credential-of-the-repo"


@dataclass
class GitServer:
    """Where it is, what it was asked, and how git trusts it."""

    proxy: str
    root: Path
    certificate: Path
    asked: list[str] = field(default_factory=list)
    private: bool = True

    @property
    def environment(self) -> dict[str, str]:
        return {"GIT_SSL_CAINFO": str(self.certificate)}

    def url(self, name: str) -> str:
        return f"https://{HOST}/{name}"


@contextmanager
def git_server(root: Path) -> Iterator[GitServer]:
    """Serves the bare repositories below the root to whoever shows the credential."""
    authority = trustme.CA()
    certificate = root / "ca.pem"
    authority.cert_pem.write_to_path(str(certificate))
    server = GitServer(proxy="", root=root, certificate=certificate)
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    web.socket = context.wrap_socket(web.socket, server_side=True)
    proxy = _Proxy(("127.0.0.1", 0), _Tunnel)
    proxy.to = web.server_address[1]
    threads = [threading.Thread(target=s.serve_forever, args=(POLL_S,), daemon=True) for s in (web, proxy)]
    for thread in threads:
        thread.start()
    server.proxy = f"http://run:token@127.0.0.1:{proxy.server_address[1]}"
    try:
        yield server
    finally:
        for each in (web, proxy):
            each.shutdown()
            each.server_close()


def repository(root: Path, name: str, files: dict[str, str]) -> Path:
    """A bare repository with one commit on main."""
    work = root / f"{name}-work"
    work.mkdir(parents=True)
    git(work, "init", "--quiet", "--initial-branch=main")
    commit(work, files, "first")
    git(root, "clone", "--quiet", "--bare", str(work), str(root / name))
    git(work, "remote", "add", "origin", str(root / name))
    return work


def commit(work: Path, files: dict[str, str], message: str) -> str:
    """A further commit; its full hash."""
    for path, text in files.items():
        (work / path).write_text(text)
    git(work, "add", ".")
    git(work, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", message)
    return git(work, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return result.stdout.strip()


def _handler(server: GitServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self._body())

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _serve(self, body: bytes) -> None:
            server.asked.append(self.path)
            shown = self.headers.get("authorization", "")
            wanted = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
            if server.private and shown != wanted:
                self.send_response(401)
                self.send_header("www-authenticate", 'Basic realm="git"')
                self.send_header("content-length", "0")
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            result = subprocess.run(
                ["git", "http-backend"],
                input=body,
                capture_output=True,
                env={
                    **os.environ,
                    "GIT_PROJECT_ROOT": str(server.root),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "REQUEST_METHOD": self.command,
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "CONTENT_TYPE": self.headers.get("content-type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
                    "HTTP_GIT_PROTOCOL": self.headers.get("git-protocol", ""),
                    "CONTENT_LENGTH": str(len(body)),
                },
            )
            head, _, content = result.stdout.partition(b"\r\n\r\n")
            lines = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self.send_response(int(lines.pop("Status", "200").split()[0]))
            for name, value in lines.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    to = 0


class _Tunnel(socketserver.BaseRequestHandler):
    """One CONNECT, wherever it wants to go, ends at the git server."""

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.request.recv(4096)
        wanted = base64.b64encode(b"run:token")
        if wanted not in head:
            self.request.sendall(
                b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n'
                b"Content-Length: 0\r\nConnection: close\r\n\r\n"
            )
            return
        with socket.create_connection(("127.0.0.1", self.server.to)) as far:  # type: ignore[attr-defined]
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            while True:
                ready, _, _ = select.select([self.request, far], [], [])
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        return
                    (far if one is self.request else self.request).sendall(data)
