"""Requests to a gateway: retried where that is safe, with every error in one line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, SSLError

from unmoor.errors import UnmoorError
from unmoor.http_pool import CONNECT_S, pool_for, root_cause
from unmoor.runtime.backoff import Backoff
from unmoor.runtime.http.error_body import parse_error

from .errors import AgentUnreachable, NoSuchRun, RejectedByGateway, Unauthorized

# A gateway scaled to zero starts before its platform forwards the request.
ANSWER_S = 90.0
# A rollout takes seconds.
BACKOFF, ATTEMPTS = Backoff(first_s=0.2, factor=2.5, cap_s=1.0), 4
# A load balancer without a healthy backend, or a gateway that is stopping.
PASSING = (502, 503, 504)
LARGEST = 256 * 1024 * 1024
# Opens a tunnel to a URL and gives its local address.
Tunnel = Callable[[str], AbstractContextManager[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def values(self) -> Any:
        """The body as JSON; None if it is not JSON."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None


@dataclass(slots=True, kw_only=True)
class GatewayHttp:
    """A gateway's address and token, and how to reach it: `way` opens a tunnel to the address.

    Error messages use `token_from`, the token's source, and `instead`, the alternative if nothing answers.
    """

    url: str
    token: str = field(repr=False)
    token_from: str
    instead: str = "--store URL reads the store itself"
    sleep: Callable[[float], None] = time.sleep
    tunnel: Tunnel = nullcontext
    _pool: urllib3.PoolManager | None = field(default=None, repr=False)
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)
    _at: str = ""

    def request(
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
        """The response; Unauthorized for a 401. `again` allows a retry of a request that may have arrived; one that
        cannot have arrived is always retried."""
        token = {"authorization": f"Bearer {self.token}"} if with_token and self.token else {}
        all_headers = {**token, "accept": "application/json", **(headers or {})}
        for attempt in range(1, ATTEMPTS + 1):
            is_last = attempt == ATTEMPTS
            try:
                reply = self._once(method, path, body, all_headers, patience_s)
            except (HTTPError, OSError) as error:
                may_retry = again or isinstance(error, ConnectTimeoutError)
                if is_last or not may_retry or isinstance(error, NameResolutionError | SSLError):
                    raise self._unreachable(error, unsure=not may_retry) from None
            else:
                if is_last or not again or reply.status not in PASSING:
                    return self._check_token(reply) if with_token else reply
            self.sleep(BACKOFF.pause_s(attempt))
        raise AssertionError("the last attempt returns or raises")

    def values(self, method: str, path: str, **more: Any) -> Any:
        """The response's JSON; RejectedByGateway for an error, NoSuchRun for a 404."""
        return self.parse_reply(self.request(method, path, **more))

    def parse_reply(self, reply: Reply) -> Any:
        """A response's JSON; RejectedByGateway, NoSuchRun or AgentUnreachable for any other response."""
        values = reply.values
        if reply.status < 300 and isinstance(values, dict):
            return values
        message = _error_message(values)
        if message is None:
            raise AgentUnreachable(
                f"{self.url}: answered {reply.status}, which is not a gateway's response; {self._hint(reply)}"
            )
        if reply.status == 404:
            raise NoSuchRun(f"{self.url}: {message}")
        raise RejectedByGateway(f"{self.url}: {message}", status=reply.status)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.clear()
        self._stack.close()

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], patience_s: float) -> Reply:
        if self._pool is None:
            self._at = self._stack.enter_context(self.tunnel(self.url))
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

    def _check_token(self, reply: Reply) -> Reply:
        if reply.status == 401 and not self.token:
            raise Unauthorized(f"{self.url}: needs a token; set UNMOOR_TOKEN to the gateway's token")
        if reply.status == 401 and _error_message(reply.values) is not None:
            raise Unauthorized(f"{self.url}: rejected {self.token_from}")
        return reply

    def _hint(self, reply: Reply) -> str:
        if place := reply.headers.get("location", ""):
            return f"it redirects to {place[:200]}: if that is the gateway, pass that address"
        return f"is it up? {self.instead}" if reply.status in PASSING else "is this the gateway's address?"

    def _unreachable(self, error: Exception, *, unsure: bool) -> AgentUnreachable:
        if unsure:
            rule = f"the connection broke ({root_cause(error)})"
            return AgentUnreachable(f"{self.url}: {rule}; the request may have been processed: see unmoor runs")
        return AgentUnreachable(f"{self.url}: nothing answers ({root_cause(error)}); is the gateway up? {self.instead}")


class InvalidUrl(UnmoorError):
    """The text is not a gateway's address."""

    exit_code = 2


def gateway_url(text: str) -> str:
    """A gateway's address without a trailing slash; InvalidUrl, with the remedy, for anything else."""
    if not _is_address(text):
        # Not printed: like the page's address, it may contain a token.
        raise InvalidUrl("--url: is not a gateway address; write https://HOST, and put the token into UNMOOR_TOKEN")
    return text.rstrip("/")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # ValueError if it is not a number
    except ValueError:
        return False
    beyond = parts.query or parts.fragment or "@" in parts.netloc or not text.isprintable() or " " in text
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not beyond


def _error_message(values: Any) -> str | None:
    """The message of a gateway's error; None if the body is something else."""
    is_error = isinstance(values, dict) and isinstance(values.get("error"), dict)
    return parse_error(values)[1] if is_error else None
