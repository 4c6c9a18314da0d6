"""The object store behind one URL, with the same answers on every backend."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from unmoor.runtime.errors import ConfigurationError

from .protocol import Store, StoredObject, StoreEntry

SCHEMES = ("s3", "gs", "az", "file", "memory")

__all__ = ["SCHEMES", "Store", "StoreEntry", "StoredObject", "open_store"]


def open_store(url: str, *, config: Mapping[str, Any] | None = None, allow_http: bool = False) -> Store:
    """The store at `s3://BUCKET[/PREFIX]`, `gs://BUCKET[/PREFIX]`, `az://CONTAINER@ACCOUNT.blob.core.windows.net[/PREFIX]`,
    `file:///FOLDER` or `memory://`.

    Credentials are those that the platform gives the container, found by obstore. `config` goes to obstore as it is,
    and `allow_http` lets it speak without TLS: both are for emulators. ConfigurationFault for any other URL.
    """
    parts = _parts(url)
    if parts is None or parts.scheme not in SCHEMES:
        schemes = ", ".join(f"{s}://" for s in SCHEMES)
        raise ConfigurationError(f"store: {url!r} is no store; write one of {schemes}")
    if parts.scheme == "file":
        return _local(url, parts)
    return _remote(url, config or {}, allow_http=allow_http)


def _parts(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _local(url: str, parts: SplitResult) -> Store:
    from .local import LocalStore

    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not path.startswith("/") or "\0" in path:
        raise ConfigurationError(f"store: {url!r} names no folder of this machine; write file:///an/absolute/path")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"store: {url!r}: write ? as %3F and # as %23")
    return LocalStore(Path(path))


def _remote(url: str, config: Mapping[str, Any], *, allow_http: bool) -> Store:
    from obstore.exceptions import BaseError
    from obstore.store import AzureStore, from_url

    from .cloud import RemoteStore

    options: Any = {"allow_http": True} if allow_http else None
    given: Any = dict(config) or None
    try:
        if url.startswith("az://"):
            return RemoteStore(AzureStore(**_azure(url), config=given, client_options=options))
        return RemoteStore(from_url(url, config=given, client_options=options))
    except (BaseError, ValueError, TypeError) as error:
        raise ConfigurationError(f"store: {url!r} is no store: {str(error).splitlines()[0]}") from error


def _azure(url: str) -> Any:
    """`az://CONTAINER@ACCOUNT.blob.core.windows.net/PREFIX` taken apart."""
    parts = urlsplit(url)
    if not parts.username or not parts.hostname:
        raise ConfigurationError(f"store: {url!r} names no account; write az://CONTAINER@ACCOUNT.blob.core.windows.net")
    prefix = parts.path.strip("/")
    return {
        "container_name": parts.username,
        "account_name": parts.hostname.split(".", 1)[0],
        **({"prefix": prefix} if prefix else {}),
    }
