"""A run's record, run.json, and the legal changes of its status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
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
# From running to running: another runner takes a run whose lease has expired, or the holder renews its lease.
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "queued": frozenset({"running", "cancelled", "failed", "lost"}),
    "running": frozenset(STATUSES),
    **dict.fromkeys(FINAL_STATUSES, frozenset()),
}

# Fields that are nested in another member of the JSON.
NESTED = ("kind", "harness_version", "provider", "requests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The runner that holds the run, and when the lease expires without a heartbeat."""

    owner: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file that a run produced or received: its path in the workspace, its size and digest."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run. `kind` is `api`, `webhook`, `schedule`, `email`, `dev` or `self-test`. `delivery` is the id of the
    delivery that started it, `session` the key that it shares with other runs; either may be empty. `inputs` are the
    delivery's files. `cost_usd` is None where nothing was priced. `followed_until` and `cancel_requested` are what
    gateways ask of the runner."""

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
    followed_until: datetime | None = None
    cancel_requested: bool = False

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES


def transition(record: RunRecord, to: RunStatus, **fields: Any) -> RunRecord:
    """The record in its next status, with these fields and no lease unless it is running; UnmoorRuntimeError if
    TRANSITIONS does not allow it."""
    if to not in TRANSITIONS[record.status]:
        raise UnmoorRuntimeError(f"run {record.id} is {record.status}, and cannot become {to}")
    return replace(record, **{**fields, "status": to, **({} if to == "running" else {"lease": None})})


def to_json(record: RunRecord) -> bytes:
    return json.dumps(as_values(record), ensure_ascii=False, indent=1).encode(errors="replace")


def as_values(record: RunRecord) -> dict[str, Any]:
    """The record as JSON values: money as text, times in ISO 8601 with their zone."""
    return {
        **{f.name: getattr(record, f.name) for f in fields(record) if f.name not in NESTED},
        "trigger": {"name": record.trigger, "kind": record.kind},
        "harness": {"name": record.harness, "version": record.harness_version},
        "model": {"provider": record.provider, "name": record.model} if record.model else None,
        "created_at": record.created_at.isoformat(),
        "started_at": record.started_at and record.started_at.isoformat(),
        "ended_at": record.ended_at and record.ended_at.isoformat(),
        "followed_until": record.followed_until and record.followed_until.isoformat(),
        "usage": {**asdict(record.usage), "requests": record.requests},
        "cost_usd": None if record.cost_usd is None else str(record.cost_usd),
        "inputs": list(map(asdict, record.inputs)),
        "artifacts": list(map(asdict, record.artifacts)),
        "lease": record.lease and {"owner": record.lease.owner, "expires_at": record.lease.expires_at.isoformat()},
    }


def from_json(text: bytes) -> RunRecord:
    """Parses a record, and ignores members that this release does not know."""
    raw = json.loads(text)
    if raw["status"] not in STATUSES:
        raise ValueError(f"status {raw['status']!r}")
    usage, lease, model = raw["usage"], raw["lease"], raw["model"] or {"provider": "", "name": ""}
    followed = raw.get("followed_until")
    shaped = {
        "trigger": raw["trigger"]["name"],
        "kind": raw["trigger"]["kind"],
        "harness": raw["harness"]["name"],
        "harness_version": raw["harness"]["version"],
        "provider": model["provider"],
        "model": model["name"],
        **{name: raw[name] and datetime.fromisoformat(raw[name]) for name in ("created_at", "started_at", "ended_at")},
        "usage": Tokens(**{f.name: usage[f.name] for f in fields(Tokens)}),
        "requests": usage["requests"],
        "cost_usd": None if raw["cost_usd"] is None else Decimal(raw["cost_usd"]),
        "inputs": tuple(Artifact(**a) for a in raw.get("inputs", ())),
        "artifacts": tuple(Artifact(**a) for a in raw["artifacts"]),
        "lease": lease and Lease(owner=lease["owner"], expires_at=datetime.fromisoformat(lease["expires_at"])),
        "followed_until": followed and datetime.fromisoformat(followed),
        "cancel_requested": bool(raw.get("cancel_requested")),
    }
    known = {f.name for f in fields(RunRecord)}
    return RunRecord(**{**{k: v for k, v in raw.items() if k in known}, **shaped})


async def create_run_record(store: Store, record: RunRecord) -> bool:
    """Stores a new run's record; False where the id exists."""
    return await store.put_if_absent(keys.run_record_key(record.id), to_json(record)) is not None


def read_record(run: str, content: bytes) -> RunRecord:
    """Parses the run's record; UnmoorRuntimeError where this release cannot read it."""
    try:
        return from_json(content)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        detail = " ".join(str(error).split())[:200]
        text = f"{keys.run_record_key(run)} is not a record of this release: {type(error).__name__}: {detail}"
        raise UnmoorRuntimeError(text) from None


async def load_record(store: Store, run: str) -> tuple[RunRecord, str] | None:
    """The run's record and its version; None if the store has no such run."""
    stored = await store.get(keys.run_record_key(run))
    return (read_record(run, stored.content), stored.version) if stored else None


def is_expired(record: RunRecord, now: datetime) -> bool:
    """Whether the run is running and its lease has expired."""
    return record.status == "running" and (record.lease is None or record.lease.expires_at <= now)
