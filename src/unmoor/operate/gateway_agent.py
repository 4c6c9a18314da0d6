"""An agent by its gateway's HTTP API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from .agent import EntryPage, Events
from .gateway_client import ANSWER_S, GatewayHttp, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAgent:
    http: GatewayHttp

    def start(self, prompt: str, session: str) -> str:
        body = {"prompt": prompt, **({"session": session} if session else {})}
        # Sent twice it would be two runs.
        return self.http.values("POST", "/runs", body=json.dumps(body).encode(), again=False)["id"]

    def runs(self, *, limit: int, cursor: str = "") -> EntryPage:
        found = self.http.values("GET", "/runs?" + _query(limit=limit, cursor=cursor))
        return EntryPage(entries=tuple(found["runs"]), next=found["next_cursor"] or "")

    def run(self, run: str) -> dict[str, Any]:
        return self.http.values("GET", _path(run))

    def events(self, run: str, *, after: int, wait_s: int) -> Events:
        path = f"{_path(run)}/events?after={after}&wait={wait_s}"
        found = self.http.values("GET", path, patience_s=wait_s + ANSWER_S)
        return Events(events=tuple(found["events"]), next=found["next"], done=found["done"])

    def cancel(self, run: str) -> str:
        return self.http.values("POST", _path(run) + "/cancel")["status"]

    def deliveries(self, *, limit: int, cursor: str = "", trigger: str = "") -> EntryPage:
        found = self.http.values("GET", "/deliveries?" + _query(limit=limit, cursor=cursor, trigger=trigger))
        return EntryPage(entries=tuple(found["deliveries"]), next=found["next_cursor"] or "")

    def deliver(self, webhook: str, body: bytes, headers: dict[str, str], *, again: bool) -> Reply:
        """Sends a webhook, without the API token: its signature authenticates it."""
        path = f"/hooks/{quote(webhook, safe='')}"
        return self.http.request("POST", path, body=body, headers=headers, again=again, with_token=False)

    def close(self) -> None:
        self.http.close()


def _path(run: str) -> str:
    return f"/runs/{quote(run, safe='')}"


def _query(**given: str | int) -> str:
    return urlencode({name: value for name, value in given.items() if value})
