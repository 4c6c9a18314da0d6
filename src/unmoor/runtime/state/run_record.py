"""A run's record, run.json: what it is, how it stands, and how it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.events import FINAL_STATUSES, Status, Tokens
from unmoor.runtime.store.protocol import Store

from . import keys

NO_TOKENS = Tokens()
RunStatus = Literal["queued", "running"] | Status
STATUSES = ("queued", "running", *FINAL_STATUSES)

# What stands inside another member of the JSON.
NESTED = ("kind", "harness_version", "provider", "requests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who runs it, and until when that is believed without a sign of life."""

    owner: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that a run left, or was given: its path in the workspace, its size and digest."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run. `trigger` and `kind` say what started it (`api`, `webhook`, `schedule`, `email`, `dev`, `self-test`),
    `delivery` by which of its sender's ids, or is empty; `session` is the key it shares with others, or empty; `inputs`
    are files that came with what started it; `cost_usd` is None where nothing was priced."""

    id: str
    agent: str
    environment: str
    bundle: str
    status: RunStatus
    trigger: str
    kind: str
    prompt: str
    session: str
    harness: str
    harness_version: str
    provider: str
    model: str
    created_at: datetime
    delivery: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempt: int = 0
    reason: str = ""
    answer: str = ""
    usage: Tokens = NO_TOKENS
    requests: int = 0
    cost_usd: Decimal | None = None
    confinement: str = ""
    inputs: tuple[Artifact, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    lease: Lease | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES


def to_json(record: RunRecord) -> bytes:
    """The record as it lies in the store."""
    return json.dumps(as_values(record), ensure_ascii=False, indent=1).encode(errors="replace")


def as_values(record: RunRecord) -> dict[str, Any]:
    """The record as JSON can hold it: money as text, times in ISO 8601 with their zone."""
    return {
        **{f.name: getattr(record, f.name) for f in fields(record) if f.name not in NESTED},
        "trigger": {"name": record.trigger, "kind": record.kind},
        "harness": {"name": record.harness, "version": record.harness_version},
        "model": {"provider": record.provider, "name": record.model} if record.model else None,
        "created_at": record.created_at.isoformat(),
        "started_at": record.started_at and record.started_at.isoformat(),
        "ended_at": record.ended_at and record.ended_at.isoformat(),
        "usage": {**_values(record.usage), "requests": record.requests},
        "cost_usd": None if record.cost_usd is None else str(record.cost_usd),
        "inputs": [_values(a) for a in record.inputs],
        "artifacts": [_values(a) for a in record.artifacts],
        "lease": record.lease and {"owner": record.lease.owner, "expires_at": record.lease.expires_at.isoformat()},
    }


def from_json(text: bytes) -> RunRecord:
    """The record that these bytes are; members that this release does not know are passed over."""
    raw = json.loads(text)
    if raw["status"] not in STATUSES:
        raise ValueError(f"status {raw['status']!r}")
    usage, lease, model = raw["usage"], raw["lease"], raw["model"] or {"provider": "", "name": ""}
    shaped = {
        "trigger": raw["trigger"]["name"],
        "kind": raw["trigger"]["kind"],
        "harness": raw["harness"]["name"],
        "harness_version": raw["harness"]["version"],
        "provider": model["provider"],
        "model": model["name"],
        "created_at": datetime.fromisoformat(raw["created_at"]),
        "started_at": _time(raw["started_at"]),
        "ended_at": _time(raw["ended_at"]),
        "usage": Tokens(**{f.name: usage[f.name] for f in fields(Tokens)}),
        "requests": usage["requests"],
        "cost_usd": None if raw["cost_usd"] is None else Decimal(raw["cost_usd"]),
        "inputs": tuple(Artifact(**a) for a in raw.get("inputs", ())),
        "artifacts": tuple(Artifact(**a) for a in raw["artifacts"]),
        "lease": lease and Lease(owner=lease["owner"], expires_at=datetime.fromisoformat(lease["expires_at"])),
    }
    known = {f.name for f in fields(RunRecord)}
    return RunRecord(**{**{k: v for k, v in raw.items() if k in known}, **shaped})


def _values(value: Tokens | Artifact) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in fields(value)}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


async def create_run_record(store: Store, record: RunRecord) -> bool:
    """Puts a new run's record; False where there is one of that id."""
    return await store.put_if_absent(keys.run_record_key(record.id), to_json(record)) is not None


def read_record(run: str, content: bytes) -> RunRecord:
    """The run's record; RuntimeFault where it is none that this release can read."""
    try:
        return from_json(content)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        said = " ".join(str(error).split())[:200]
        text = f"{keys.run_record_key(run)} is no record that this release reads: {type(error).__name__}: {said}"
        raise UnmoorRuntimeError(text) from None


def is_expired(record: RunRecord, now: datetime) -> bool:
    """Whether it is said to run, and nobody has shown a sign of life for as long as a lease."""
    return record.status == "running" and (record.lease is None or record.lease.expires_at <= now)
