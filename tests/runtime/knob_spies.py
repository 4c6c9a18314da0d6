"""Fields of the runtime's configuration that note that the runtime reads them, or that give another value than they have."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import typing
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from unmoor.runtime.config import AgentConfig

# A config.json in which every field has a value.
FULL: dict[str, Any] = {
    "format": 1,
    "agent": "a",
    "environment": "prod",
    "harness": {"name": "pi", "version": "1", "args": ["-x"], "command": ["c"]},
    "model": {"provider": "openai", "name": "m", "base_url": "https://m", "api_key": "k"},
    "description": "what it is for",
    "instructions": "do",
    "repos": [{"url": "https://r", "ref": "main", "path": "r", "credential": "t"}],
    "mcp_servers": [{"name": "s", "url": "https://s", "headers": [["H", "v"]], "command": ["c"], "env": [["E", "v"]]}],
    "files": [{"path": "files/f", "sha256": "ab", "size_bytes": 1, "executable": False}],
    "webhooks": [
        {
            "name": "w",
            "prompt": "p",
            "verify": {
                "scheme": "hmac",
                "secret": "s",
                "header": "X",
                "algorithm": "sha1",
                "encoding": "hex",
                "prefix": "p",
                "timestamp": "T",
                "payload": "{body}",
                "tolerance_s": 1,
            },
            "when": [["body.a", ["b", 1, True]]],
        }
    ],
    "schedules": [{"name": "s", "prompt": "p", "cron": "* * * * *", "timezone": "UTC", "missed": "skip"}],
    "mailboxes": [
        {
            "name": "e",
            "prompt": "p",
            "host": "h",
            "port": 1,
            "user": "u",
            "password": "s",
            "allow_from": ["a@b"],
            "authserv_id": "i",
            "received_lines_above": 1,
            "address": "m@b",
            "smtp_host": "o",
            "smtp_port": 2,
        }
    ],
    "run": {
        "isolation": "container",
        "timeout_s": 1,
        "max_concurrent": 2,
        "when_busy": "skip",
        "retries": 3,
        "session": "k",
        "max_model_requests": 9,
        "max_cost_usd": "1",
        "artifacts": ["a"],
        "max_artifacts_mib": 1,
    },
    "budget_per_day_usd": "2",
    "gateway": {"token": "gateway-token"},
    "network": {"egress_any": True, "egress": ["h"], "domain": "a.example.com"},
    "retention": {"runs_s": 5},
}

PRODUCT = f"{os.sep}unmoor{os.sep}runtime{os.sep}"
READER = f"{PRODUCT}config.py"
# What config.py itself reads fields for: the rest of it only makes them.
PROPERTIES = ("name", "triggers", "ports", "<genexpr>")


def knobs(of: Any = AgentConfig, path: str = "") -> Iterator[tuple[str, type, str]]:
    """Each field that holds no further dataclass: its path, its class and its name."""
    for name, hint in typing.get_type_hints(of).items():
        inner = [kind for kind in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(kind)]
        yield from knobs(inner[0], f"{path}{name}.") if inner else [(f"{path}{name}", of, name)]


class Spy:
    """Stands in a class for a field's slot."""

    def __init__(self, of: type, name: str, *, turned: bool) -> None:
        self.of, self.name, self.turned = of, name, turned
        self.owner = next(c for c in of.__mro__ if name in vars(c))
        self.slot = vars(self.owner)[name]
        self.reads = 0

    def __get__(self, one: Any, of: Any = None) -> Any:
        if one is None:
            return self.slot
        value = self.slot.__get__(one, of)
        code = sys._getframe(1).f_code
        is_read = PRODUCT in code.co_filename and (not code.co_filename.endswith(READER) or code.co_name in PROPERTIES)
        if not isinstance(one, self.of) or not is_read:
            return value
        self.reads += 1
        return another(value) if self.turned else value

    def __set__(self, one: Any, value: Any) -> None:
        self.slot.__set__(one, value)


@contextlib.contextmanager
def watch_knob(path: str, *, turned: bool = False) -> Iterator[Spy]:
    """Inside the block the field counts its reads; `turned`, the runtime reads another value than the field has."""
    of, name = next((of, name) for knob, of, name in knobs() if knob == path)
    spy = Spy(of, name, turned=turned)
    setattr(spy.owner, name, spy)
    try:
        yield spy
    finally:
        setattr(spy.owner, name, spy.slot)


def another(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | Decimal():
            return value * 3 + 1
        case str():
            return f"{value}-turned"
        case tuple():
            return () if value else ("turned",)
        case _:
            return "1"
