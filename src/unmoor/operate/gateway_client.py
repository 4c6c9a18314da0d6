"""Requests to a gateway: tried again where that does no harm, and every fault in one line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, SSLError

from unmoor.errors import UnmoorError

from .errors import AgentUnreachable, NoSuchRun, RejectedByGateway, Unauthorized

CONNECT_S = 10.0
# A gateway that was scaled to zero is started before its platform passes the request on.
ANSWER_S = 90.0
# Pauses between tries. A platform that moves a gateway is done within seconds.
PAUSES_S = (0.2, 0.5, 1.0)
# What a load balancer says while there is nobody behind it, and a gateway that is stopping.
PASSING = (502, 503, 504)
LARGEST = 256 * 1024 * 1024
# Holds open where a URL is reached from here, and gives that address.
Way = Callable[[str], AbstractContextManager[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a gateway answered."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def values(self) -> Any:
        """The JSON in it; None where it is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None


@dataclass(slots=True, kw_only=True)
class GatewayHttp:
    """One gateway's address, and the token that opens it; `token_from` says where that is from, `instead` what else can
    be asked where nothing answers, and `way` how the address is reached from here."""

    url: str
    token: str = field(repr=False)
    token_from: str
    instead: str = "--store URL reads the store itself"
    sleep: Callable[[float], None] = time.sleep
    way: Way = nullcontext
    _pool: urllib3.PoolManager | None = field(default=None, repr=False)
    _held: ExitStack = field(default_factory=ExitStack, repr=False)
    _at: str = ""

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        again: bool = True,
        with_token: bool = True,
        patience_s: float = ANSWER_S,
    ) -> Reply:
        """What is answered, whatever its status but 401. `again` says that a request that may have arrived can be sent
        once more; one that cannot have arrived always is."""
        shown = {"authorization": f"Bearer {self.token}"} if with_token and self.token else {}
        given = {**shown, "accept": "application/json", **(headers or {})}
        for pause in (*PAUSES_S, None):
            try:
                reply = self._once(method, path, body, given, patience_s)
            except (HTTPError, OSError) as error:
                may_retry = again or isinstance(error, ConnectTimeoutError)
                if pause is None or not may_retry or isinstance(error, NameResolutionError | SSLError):
                    raise self._unreachable(error, unsure=not may_retry) from None
            else:
                if pause is None or not again or reply.status not in PASSING:
                    return self._believed(reply) if with_token else reply
            self.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def values(self, method: str, path: str, **more: Any) -> Any:
        """The JSON that is answered; Refused where it is a refusal, NoSuchRun where there is no such thing."""
        return self.parse_reply(self.ask(method, path, **more))

    def parse_reply(self, reply: Reply) -> Any:
        """The JSON of an answer; Refused, NoSuchRun or Unreachable where it is none that was hoped for."""
        values = reply.values
        if reply.status < 300 and isinstance(values, dict):
            return values
        said = _refusal(values)
        if said is None:
            raise AgentUnreachable(
                f"{self.url}: answered {reply.status}, and not as a gateway does; {self._hint(reply)}"
            )
        if reply.status == 404:
            raise NoSuchRun(f"{self.url}: {said}")
        raise RejectedByGateway(f"{self.url}: {said}", status=reply.status)

    def close(self) -> None:
        """Lets go of its connections."""
        if self._pool is not None:
            self._pool.clear()
        self._held.close()

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], patience_s: float) -> Reply:
        if self._pool is None:
            self._at = self._held.enter_context(self.way(self.url))
            self._pool = pool_for(self._at)
        answer = self._pool.request(
            method,
            self._at + path,
            body=body,
            headers=headers,
            redirect=False,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_S, read=patience_s),
            preload_content=False,
        )
        try:
            content = answer.read(LARGEST)
        finally:
            answer.release_conn()
        return Reply(status=answer.status, headers=answer.headers, content=content)

    def _believed(self, reply: Reply) -> Reply:
        if reply.status == 401 and not self.token:
            raise Unauthorized(f"{self.url}: wants a token; set UNMOOR_TOKEN to the gateway's")
        if reply.status == 401 and _refusal(reply.values) is not None:
            raise Unauthorized(f"{self.url}: does not take {self.token_from}")
        return reply

    def _hint(self, reply: Reply) -> str:
        if place := reply.headers.get("location", ""):
            return f"it sends on to {place[:200]}: if that is the gateway, give its address"
        return f"is it up? {self.instead}" if reply.status in PASSING else "is this the gateway's address?"

    def _unreachable(self, error: Exception, *, unsure: bool) -> AgentUnreachable:
        if unsure:
            rule = f"the connection broke ({root_cause(error)})"
            return AgentUnreachable(f"{self.url}: {rule}; it may have been done all the same: see unmoor runs")
        return AgentUnreachable(f"{self.url}: nothing answers ({root_cause(error)}); is the gateway up? {self.instead}")


class InvalidUrl(UnmoorError):
    """What was given is no address of a gateway."""

    exit_code = 2


def gateway_url(text: str) -> str:
    """A gateway's address without a slash at its end; UnmoorError, with what to write, for anything else."""
    if not _is_address(text):
        # It may hold a token, as the page's address does: so it is not shown.
        raise InvalidUrl("--url: is no gateway's address; write https://HOST, and the token into UNMOOR_TOKEN")
    return text.rstrip("/")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # ValueError where it is no number
    except ValueError:
        return False
    beyond = parts.query or parts.fragment or "@" in parts.netloc or not text.isprintable() or " " in text
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not beyond


def pool_for(url: str) -> urllib3.PoolManager:
    """Connections to that address, by the proxy that the environment names for it."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme, "")
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy if "://" in proxy else f"http://{proxy}")
    return urllib3.PoolManager()


def _refusal(values: Any) -> str | None:
    """The line of a gateway's refusal; None where it is no such thing."""
    error = values.get("error") if isinstance(values, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return " ".join(message.split())[:500] if isinstance(message, str) else None


def root_cause(error: BaseException) -> str:
    """The reason in a few words, without what a library says of itself."""
    # Libraries put the cause behind an error, or beside a text of their own into it.
    while inner := error.__cause__ or next((each for each in error.args if isinstance(each, Exception)), None):
        error = inner
    text = " ".join(str(error.strerror if isinstance(error, OSError) and error.strerror else error).split())
    return text[:200] or type(error).__name__
