"""Mail servers on loopback, each started for the tests and stopped by its pid."""

from __future__ import annotations

import contextlib
import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import trustme
from processes import free_port

from unmoor.runtime.gateway.triggers.email.server import MailServer

USER, PASSWORD = "desk@example.org", "secret-of-the-inbox"
READY_S = 20


@cache
def authority() -> trustme.CA:
    return trustme.CA()


def trusting() -> ssl.SSLContext:
    """What a client has that trusts the servers here."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


def server_context(folder: Path) -> ssl.SSLContext:
    """What a server here shows to a client."""
    _certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


@dataclass
class RunningMailServer:
    """An IMAP server and its account, changed by another client than the one under test."""

    place: MailServer
    process: subprocess.Popen[bytes]

    def deliver(self, content: bytes) -> None:
        with self._client() as client:
            assert client.append("INBOX", "", "", content)[0] == "OK"

    def flag(self, flag: str) -> None:
        with self._client() as client:
            client.select("INBOX")
            assert client.uid("STORE", "1:*", "+FLAGS", flag)[0] == "OK"

    def flags(self) -> bytes:
        with self._client() as client:
            client.select("INBOX", readonly=True)
            return b" ".join(line for line in client.fetch("1:*", "(FLAGS)")[1] if isinstance(line, bytes))

    def move_away_and_back(self) -> None:
        """Every mail gets another UID."""
        with self._client() as client:
            client.create("Away")
            for here, there in (("INBOX", "Away"), ("Away", "INBOX")):
                client.select(here)
                assert client.uid("COPY", "1:*", there)[0] == "OK"
                client.uid("STORE", "1:*", "+FLAGS", r"(\Deleted)")
                client.expunge()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @contextlib.contextmanager
    def _client(self) -> Iterator[imaplib.IMAP4]:
        if self.place.starttls:
            client: imaplib.IMAP4 = imaplib.IMAP4("localhost", self.place.port, timeout=10)
            client.starttls(trusting())
        else:
            client = imaplib.IMAP4_SSL("localhost", self.place.port, ssl_context=trusting(), timeout=10)
        client.login(USER, PASSWORD)
        try:
            yield client
        finally:
            client.logout()


@contextlib.contextmanager
def dovecot(port: int | None = None, root: Path | None = None) -> Iterator[RunningMailServer]:
    """Debian's Dovecot, where it is installed: TLS from the first byte."""
    port = port or free_port()
    # As short as a socket's path must be.
    folder = root or Path(tempfile.mkdtemp(prefix="dc-", dir="/tmp"))
    folder.chmod(0o755)
    me, them = (pwd.getpwuid(os.getuid()).pw_name, "nobody" if os.getuid() == 0 else "")
    user = them or me
    (folder / "mail").mkdir(exist_ok=True)
    if them:
        shutil.chown(folder / "mail", user)
    _certificate(folder)
    (folder / "conf").write_text(DOVECOT.format(root=folder, port=port, user=user, password=PASSWORD))
    program = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None
    process = subprocess.Popen(
        [program, "-F", "-c", str(folder / "conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    server = RunningMailServer(MailServer(host="localhost", port=port), process)
    try:
        _until_ready(server, folder / "log")
        yield server
    finally:
        server.stop()
        if root is None:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def pymap(port: int | None = None, root: Path | None = None) -> Iterator[RunningMailServer]:
    """An IMAP server in Python: TLS after STARTTLS, everything in memory."""
    port = port or free_port()
    folder = root or Path(tempfile.mkdtemp(prefix="pm-", dir="/tmp"))
    _certificate(folder)
    program = Path(sys.executable).parent / "pymap"
    listening = ["--host", "127.0.0.1", "--port", str(port), "--cert", folder / "cert", "--key", folder / "key"]
    account = ["dict", "--demo-data", "--demo-user", USER, "--demo-password", PASSWORD]
    process = subprocess.Popen(
        [program, *listening, *account],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = RunningMailServer(MailServer(host="localhost", port=port, starttls=True), process)
    try:
        _until_ready(server, folder / "log")
        yield server
    finally:
        server.stop()
        if root is None:
            shutil.rmtree(folder, ignore_errors=True)


def has_dovecot() -> bool:
    return shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin") is not None


def _certificate(folder: Path) -> None:
    certificate = authority().issue_cert("localhost")
    (folder / "cert").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    (folder / "key").write_bytes(certificate.private_key_pem.bytes())


def _until_ready(server: RunningMailServer, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", server.place.port), 1).close()
            with server._client():
                return
        except (OSError, imaplib.IMAP4.error) as error:
            said = log.read_text()[-2000:] if log.exists() else ""
            assert server.process.poll() is None, said
            if time.monotonic() > deadline:
                raise AssertionError(said) from error
            time.sleep(0.05)


DOVECOT = """
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
protocols = imap
listen = 127.0.0.1
default_login_user = {user}
default_internal_user = {user}
default_internal_group =
first_valid_uid = 0
mail_location = maildir:{root}/mail/%u
ssl = required
ssl_cert = <{root}/cert
ssl_key = <{root}/key
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid=nogroup home={root}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""
