"""What is read over HTTP: streamed, hashed as it passes, and never longer waited for than a minute without a byte."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from .sku import RefreshError

PATIENCE_S = 60
# A page of an API; a file of a price list has no such bound, since it is not kept.
LARGEST_PAGE = 64 * 1024 * 1024


class Hashed(io.RawIOBase):
    """A response as a raw stream, which feeds a hash with all that is read of it."""

    def __init__(self, response: Any, url: str) -> None:
        self._response, self._url, self.digest = response, url, hashlib.sha256()
        # Known where the answer is not chunked: without it an answer that is cut looks like one that has ended.
        length = response.headers.get("Content-Length")
        self._left = int(length) if length is not None and length.isdigit() else None

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._response.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        try:
            read = cast("bytes", self._response.read(len(buffer)))
        except (OSError, HTTPException) as error:
            raise RefreshError(f"{self._url}: ended before its end: {error}") from None
        if self._left is not None:
            self._left -= len(read)
            if not read and self._left > 0:
                raise RefreshError(f"{self._url}: ended {self._left} bytes before its end; try again")
        buffer[: len(read)] = read
        self.digest.update(read)
        return len(read)


def open_url(url: str, headers: Mapping[str, str] | None = None) -> Hashed:
    """The answer to a GET, as a stream; RefreshError says the address and what went wrong."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise RefreshError(f"{url}: is no http:// or https:// address")
    try:
        return Hashed(urlopen(Request(url, headers=dict(headers or {})), timeout=PATIENCE_S), url)
    except HTTPError as error:
        error.close()
        raise RefreshError(f"{url}: answered {error.code} {error.reason}") from None
    except (URLError, OSError, HTTPException, ValueError) as error:
        raise RefreshError(f"{url}: cannot be read: {getattr(error, 'reason', error)}") from None


def fetch(url: str, headers: Mapping[str, str] | None = None) -> bytes:
    """The whole of an answer that is not large."""
    with io.BufferedReader(open_url(url, headers)) as stream:
        content = stream.read(LARGEST_PAGE + 1)
    if len(content) > LARGEST_PAGE:
        raise RefreshError(f"{url}: is longer than {LARGEST_PAGE:,} bytes, which no page is")
    return content
