"""Which of a request's headers are sent to the provider, and which of its response's are returned."""

from __future__ import annotations

from collections.abc import Iterable

from unmoor.runtime.guard.transport.http1 import Headers

# https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authentication-info proxy-authorization proxy-connection te"
    b" trailer transfer-encoding upgrade".split()
)
# The run's token, wherever it is sent, and other credentials.
CREDENTIALS = frozenset(
    b"api-key authorization cookie openai-organization openai-project x-api-key x-goog-api-key"
    b" x-goog-user-project".split()
)
# Headers that the guard sets itself, that could shorten the response or change the request's method, or that name the
# sender.
OWN = frozenset(
    b"accept-encoding content-encoding content-length expect forwarded host via x-goog-fieldmask x-http-method"
    b" x-http-method-override x-method-override".split()
)
NOT_SENT = HOP_BY_HOP | CREDENTIALS | OWN
NOT_RETURNED = HOP_BY_HOP | {b"alt-svc", b"set-cookie", b"strict-transport-security"}


def request_headers(headers: Headers, key: tuple[str, str]) -> list[tuple[str, str]]:
    """The request's headers as sent to the provider: with its key, and requesting an uncompressed response."""
    dropped = NOT_SENT | _connection_headers(headers)
    passed = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers
        if name not in dropped and not name.startswith(b"x-forwarded-")
    ]
    return [*passed, ("accept-encoding", "identity"), key]


def response_headers(headers: Iterable[tuple[bytes, bytes]], *, length: bool) -> list[tuple[bytes, bytes]]:
    """The response's headers as returned to the client; its length only if the content is unchanged."""
    lower = [(name.lower(), value) for name, value in headers]
    dropped = NOT_RETURNED | _connection_headers(lower) | (set() if length else {b"content-length"})
    return [(name, value) for name, value in lower if name not in dropped]


def _connection_headers(headers: Headers) -> set[bytes]:
    """The headers that Connection declares hop-by-hop."""
    values = [value for name, value in headers if name == b"connection"]
    return {name.strip().lower() for value in values for name in value.split(b",")}
