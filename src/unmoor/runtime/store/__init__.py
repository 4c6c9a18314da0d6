"""The object store at a URL; every backend behaves the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from unmoor.runtime.errors import ConfigurationError

from .conditions import verify_store
from .protocol import Store, StoredObject, StoreEntry

SCHEMES = ("s3", "gs", "az", "file", "memory")

__all__ = ["SCHEMES", "Store", "StoreEntry", "StoredObject", "open_store", "verify_store"]


def open_store(url: str, *, config: Mapping[str, Any] | None = None, allow_http: bool = False) -> Store:
    """The store at `s3://BUCKET[/PREFIX]`, `gs://BUCKET[/PREFIX]`, `az://CONTAINER@ACCOUNT.blob.core.windows.net[/PREFIX]`,
    `file:///FOLDER` or `memory://`; ConfigurationError for any other URL.

    obstore finds the credentials that the platform gives the container. `config` for obstore, and `allow_http` to use
    it without TLS, are for emulators.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in SCHEMES:
        schemes = ", ".join(f"{s}://" for s in SCHEMES)
        raise ConfigurationError(f"store: {url!r} is not a store; write one of {schemes}")
    if parts.scheme == "file":
        return _local(url, parts)
    return _remote(url, parts, dict(config or {}) or None, {"allow_http": True} if allow_http else None)


def _local(url: str, parts: SplitResult) -> Store:
    from .local import LocalStore

    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not path.startswith("/") or "\0" in path:
        raise ConfigurationError(f"store: {url!r} is not a folder of this machine; write file:///an/absolute/path")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"store: {url!r}: write ? as %3F and # as %23")
    return LocalStore(Path(path))


def _remote(url: str, parts: SplitResult, config: Any, options: Any) -> Store:
    from obstore.exceptions import BaseError
    from obstore.store import AzureStore, from_url

    from .cloud import RemoteStore

    try:
        if parts.scheme == "az":
            return RemoteStore(AzureStore(**_azure(url, parts), config=config, client_options=options))
        return RemoteStore(from_url(url, config=config, client_options=options))
    except (BaseError, ValueError, TypeError) as error:
        raise ConfigurationError(f"store: {url!r} is not a store: {str(error).splitlines()[0]}") from error


def _azure(url: str, parts: SplitResult) -> Any:
    """The arguments for `az://CONTAINER@ACCOUNT.blob.core.windows.net/PREFIX`."""
    if not parts.username or not parts.hostname:
        raise ConfigurationError(f"store: {url!r} has no account; write az://CONTAINER@ACCOUNT.blob.core.windows.net")
    prefix = parts.path.strip("/")
    return {
        "container_name": parts.username,
        "account_name": parts.hostname.split(".", 1)[0],
        **({"prefix": prefix} if prefix else {}),
    }
