"""HTTP connections of commands: through the environment's proxy, with errors in a few words."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

CONNECT_S = 10.0


def pool_for(url: str) -> urllib3.PoolManager:
    """A pool for that address, through the proxy that the environment names for it."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme, "")
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy if "://" in proxy else f"http://{proxy}")
    return urllib3.PoolManager()


def root_cause(error: BaseException) -> str:
    """The innermost reason of an error, without the wrapping library's text."""
    # Libraries chain the cause, or pass it as an argument beside a text of their own.
    while inner := error.__cause__ or next((each for each in error.args if isinstance(each, Exception)), None):
        error = inner
    text = " ".join(str(error.strerror if isinstance(error, OSError) and error.strerror else error).split())
    return text[:200] or type(error).__name__
