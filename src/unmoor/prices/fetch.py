"""Vendors' price lists over HTTP: streamed, and hashed while they are read."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from unmoor.http_pool import CONNECT_S, pool_for, root_cause

from .sku import RefreshError

READ_S = 60
# A page of an API; a price list's file has no such limit, since it is not held in memory.
MAX_PAGE_BYTES = 64 * 1024 * 1024


class HashedStream(io.RawIOBase):
    """A response as a raw stream that hashes the bytes read from it."""

    def __init__(self, response: urllib3.BaseHTTPResponse, url: str) -> None:
        self._response, self._url, self.digest = response, url, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._response.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        try:
            content = cast("bytes", self._response.read(len(buffer)))
        except (HTTPError, OSError) as error:
            raise RefreshError(f"{self._url}: the response was cut off: {root_cause(error)}; try again") from None
        buffer[: len(content)] = content
        self.digest.update(content)
        return len(content)


def open_url(url: str, headers: Mapping[str, str] | None = None) -> HashedStream:
    """The response to a GET as a stream; RefreshError names the address and the reason."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise RefreshError(f"{url}: is not an http:// or https:// address")
    timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
    try:
        response = pool_for(url).request("GET", url, headers=headers, timeout=timeout, preload_content=False)
    except (HTTPError, OSError, ValueError) as error:
        raise RefreshError(f"{url}: cannot be read: {root_cause(error)}") from None
    if response.status >= 300:
        response.close()
        raise RefreshError(f"{url}: answered {response.status} {response.reason}")
    return HashedStream(response, url)


def fetch(url: str, headers: Mapping[str, str] | None = None) -> bytes:
    """The whole of a response that is not large."""
    with io.BufferedReader(open_url(url, headers)) as stream:
        content = stream.read(MAX_PAGE_BYTES + 1)
    if len(content) > MAX_PAGE_BYTES:
        raise RefreshError(f"{url}: is longer than {MAX_PAGE_BYTES:,} bytes, the limit for a page")
    return content
