"""A platform's HTTP API, called with a token of the user who is logged in on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from unmoor.http_pool import CONNECT_S, pool_for, root_cause
from unmoor.runtime.http.error_body import parse_error, parse_json_or_text

from .errors import OperateError

READ_S = 30.0


class NotFound(OperateError):
    """The platform has no such resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The response's JSON, and the platform's time."""

    values: Any
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API at an address; `token` returns a bearer token, and `name` is what errors call the API."""

    name: str
    base: str
    token: Callable[[], str] = field(repr=False)

    def get(self, path: str) -> Any:
        return self.answer("GET", path).values

    def text(self, path: str) -> str:
        return self._request("GET", path, None, "").data.decode(errors="replace")

    def answer(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Answer:
        """The response; NotFound for a 404, OperateError with the platform's message for any other error."""
        response = self._request(method, path, body, kind)
        return Answer(values=parse_json_or_text(response.data), at=parse_http_date(response.headers.get("date", "")))

    def _request(self, method: str, path: str, body: bytes | None, kind: str) -> urllib3.BaseHTTPResponse:
        headers = {"authorization": f"Bearer {self.token()}", **({"content-type": kind} if body else {})}
        timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
        try:
            response = pool_for(self.base).request(
                method, self.base + path, body=body, headers=headers, redirect=False, retries=2, timeout=timeout
            )
        except (HTTPError, OSError) as error:
            raise OperateError(f"{self.name} cannot be reached: {root_cause(error)}") from None
        if response.status >= 300:
            text = f"{self.name} answered {response.status}: {parse_error(parse_json_or_text(response.data))[1]}"
            raise NotFound(text) if response.status == 404 else OperateError(text)
        return response


def parse_http_date(text: str) -> datetime | None:
    """The time in a Date header."""
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
