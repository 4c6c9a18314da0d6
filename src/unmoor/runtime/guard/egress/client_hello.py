"""The first words of a TLS connection: whom they ask for. https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2"""

from __future__ import annotations

HANDSHAKE, CLIENT_HELLO, SERVER_NAME, HOST_NAME = 22, 1, 0, 0
RECORD_HEAD, MESSAGE_HEAD = 5, 4
MOST_BYTES = 64 * 1024


class NotClientHello(Exception):
    """These bytes begin no TLS connection."""


class _Incomplete(Exception):
    """More bytes are needed."""


def server_name(data: bytes) -> str | None:
    """The host that a ClientHello asks for, empty where it names none, or None while more bytes are needed."""
    try:
        hello = _client_hello(data)
    except _Incomplete:
        if len(data) > MOST_BYTES:
            raise NotClientHello("it is too long") from None
        return None
    try:
        return _server_name(hello)
    except _Incomplete:
        raise NotClientHello("it is cut short") from None


class _Bytes:
    """Reads fields one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise _Incomplete
        self._at += count
        return self._data[self._at - count : self._at]

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def vector(self, length_bytes: int) -> _Bytes:
        return _Bytes(self.take(self.number(length_bytes)))


def _client_hello(data: bytes) -> _Bytes:
    """The message, which may be spread over several records."""
    records, message = _Bytes(data), b""
    while True:
        kind, major, _minor = records.number(1), records.number(1), records.number(1)
        if kind != HANDSHAKE or major != 3:
            raise NotClientHello("it is no TLS handshake")
        length = records.number(2)
        if not 0 < length <= 1 << 14:
            raise NotClientHello("it is no TLS handshake")
        message += records.take(length)
        if message[0] != CLIENT_HELLO:
            raise NotClientHello("it is no TLS handshake")
        if len(message) >= MESSAGE_HEAD:
            size = int.from_bytes(message[1:MESSAGE_HEAD], "big")
            if size > MOST_BYTES:
                raise NotClientHello("it is too long")
            if len(message) >= MESSAGE_HEAD + size:
                return _Bytes(message[MESSAGE_HEAD : MESSAGE_HEAD + size])


def _server_name(hello: _Bytes) -> str:
    hello.take(2 + 32)
    for length_bytes in (1, 2, 1):  # session id, cipher suites, compression methods
        hello.vector(length_bytes)
    extensions = hello.vector(2) if hello else _Bytes(b"")
    found: list[str] = []
    while extensions:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind == SERVER_NAME:
            found += _names(content.vector(2))
    if len(found) > 1:
        raise NotClientHello("it asks for two hosts")
    return found[0] if found else ""


def _names(entries: _Bytes) -> list[str]:
    found: list[str] = []
    while entries:
        kind, name = entries.number(1), entries.vector(2)
        if kind == HOST_NAME:
            found.append(name.rest().decode("latin-1"))
    return found
