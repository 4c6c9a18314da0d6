"""The server name (SNI) of a TLS ClientHello, read by OpenSSL. https://www.rfc-editor.org/rfc/rfc6066#section-3"""

from __future__ import annotations

import ssl

MAX_BYTES = 64 * 1024


class NotClientHello(Exception):
    """The bytes do not begin a TLS connection."""


class _Server(ssl.SSLObject):
    """The server's side of TLS, which stops after the ClientHello."""

    requested: str | None = None


def server_name(data: bytes) -> str | None:
    """The host that a ClientHello names, empty if it names none, or None while more bytes are needed."""
    received = ssl.MemoryBIO()
    received.write(data)
    server = _CONTEXT.wrap_bio(received, ssl.MemoryBIO(), server_side=True)
    assert isinstance(server, _Server)
    try:
        server.do_handshake()
    except ssl.SSLWantReadError:
        if len(data) > MAX_BYTES:
            raise NotClientHello("it is too long") from None
    except ssl.SSLError as error:
        if server.requested is None:
            raise NotClientHello(error.reason.lower().replace("_", " ") if error.reason else "unknown error") from None
    return server.requested


def _stop(server: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int:
    assert isinstance(server, _Server)
    server.requested = name or ""
    return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR


def _context() -> ssl.SSLContext:
    """Accepts every version and cipher: the client and the real server negotiate them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.sslobject_class = _Server
    context.sni_callback = _stop
    return context


_CONTEXT = _context()
