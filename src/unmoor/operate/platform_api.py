"""A platform's own HTTP API, asked with a token of whoever is logged in at this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from .errors import OperateError
from .gateway_client import CONNECT_S, pool_for, root_cause

READ_S = 30.0
SAID = 300


class NotFound(OperateError):
    """The platform has no such thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The JSON that came, and the platform's own time."""

    values: Any
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API at an address; `token` gives what opens it, and `name` is what faults call it."""

    name: str
    base: str
    token: Callable[[], str] = field(repr=False)

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        return self.answer("GET", path).values

    def text(self, path: str) -> str:
        """What lies at a path, as it is."""
        return self._got("GET", path, None, "").data.decode(errors="replace")

    def answer(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Answer:
        """What is answered; NotThere for a 404, OperateError with the platform's own words for any other refusal."""
        got = self._got(method, path, body, kind)
        return Answer(values=_json(got), at=parse_http_date(got.headers.get("date", "")))

    def _got(self, method: str, path: str, body: bytes | None, kind: str) -> urllib3.BaseHTTPResponse:
        headers = {"authorization": f"Bearer {self.token()}", **({"content-type": kind} if body else {})}
        timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
        try:
            got = pool_for(self.base).request(
                method, self.base + path, body=body, headers=headers, redirect=False, retries=2, timeout=timeout
            )
        except (HTTPError, OSError) as error:
            raise OperateError(f"{self.name} cannot be reached: {root_cause(error)}") from None
        if got.status >= 300:
            text = f"{self.name} answered {got.status}: {_said(got)}"
            raise NotFound(text) if got.status == 404 else OperateError(text)
        return got


def parse_http_date(text: str) -> datetime | None:
    """The time in a Date header."""
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _json(got: Any) -> Any:
    try:
        return got.json()
    except ValueError:
        return None


def _said(got: Any) -> str:
    """The platform's words for its refusal, in one line."""
    values = _json(got)
    error = values.get("error") if isinstance(values, dict) else None
    said = error.get("message") if isinstance(error, dict) else error
    description = values.get("error_description") if isinstance(values, dict) else None
    text = description or said or got.data.decode(errors="replace")
    return " ".join(str(text).split())[:SAID] or "nothing"
