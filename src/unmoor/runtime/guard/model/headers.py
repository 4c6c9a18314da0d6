"""Which headers go on to the provider, and which of its own come back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from unmoor.runtime.guard.transport.http1 import Headers

# https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authentication-info",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
# The token, wherever it stands, and whatever else would speak for somebody.
CREDENTIALS = {
    b"api-key",
    b"authorization",
    b"cookie",
    b"openai-organization",
    b"openai-project",
    b"x-api-key",
    b"x-goog-api-key",
    b"x-goog-user-project",
}
# What is said anew, what could have the answer cut down or the request taken for another, and where it came from.
OWN = {
    b"accept-encoding",
    b"content-encoding",
    b"content-length",
    b"expect",
    b"forwarded",
    b"host",
    b"via",
    b"x-goog-fieldmask",
    b"x-http-method",
    b"x-http-method-override",
    b"x-method-override",
}
NOT_SENT = HOP_BY_HOP | CREDENTIALS | OWN
NOT_RETURNED = HOP_BY_HOP | {b"alt-svc", b"set-cookie", b"strict-transport-security"}


def request_headers(headers: Headers, key: tuple[str, str]) -> list[tuple[str, str]]:
    """The request's headers as the provider gets them, with its key, and asking for an answer that can be read."""
    kept = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers
        if name not in NOT_SENT | _named_by_connection(headers) and not name.startswith(b"x-forwarded-")
    ]
    return [*kept, ("accept-encoding", "identity"), key]


def response_headers(headers: Iterable[tuple[bytes, bytes]], *, length: bool) -> list[tuple[bytes, bytes]]:
    """The answer's headers as the client gets them; its length only where the content is passed on as it is."""
    lower = [(name.lower(), value) for name, value in headers]
    dropped = NOT_RETURNED | _named_by_connection(lower) | (set() if length else {b"content-length"})
    return [(name, value) for name, value in lower if name not in dropped]


def _named_by_connection(headers: Headers) -> set[bytes]:
    return set(_names(value for name, value in headers if name == b"connection"))


def _names(values: Iterable[bytes]) -> Iterator[bytes]:
    for value in values:
        yield from (name.strip().lower() for name in value.split(b","))
