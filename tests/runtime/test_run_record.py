"""A run's record and its keys are read back as they were written."""

from __future__ import annotations

import dataclasses
import itertools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.events import Tokens
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import (
    STATUSES,
    TRANSITIONS,
    Artifact,
    Lease,
    RunRecord,
    from_json,
    to_json,
    transition,
)

NOW = datetime(2026, 11, 24, 20, 15, tzinfo=UTC)
RECORD = RunRecord(
    id=keys.run_id(NOW, 5),
    agent="agent",
    environment="prod",
    bundle="ab" * 32,
    status="succeeded",
    trigger="github",
    kind="webhook",
    prompt="do",
    session="pr-7",
    harness="codex",
    harness_version="0.169.0",
    provider="openai",
    model="gpt-5.5",
    created_at=NOW,
    started_at=NOW,
    ended_at=NOW + timedelta(seconds=3),
    usage=Tokens(input=1200, cached_input=200, output=34),
    requests=2,
    cost_usd=Decimal("0.00834"),
    artifacts=(Artifact(path="out/ü.md", size_bytes=3, sha256="cd" * 32),),
    lease=Lease(owner="me", expires_at=NOW),
)


def test_a_record_is_what_was_written() -> None:
    assert from_json(to_json(RECORD)) == RECORD
    bare = dataclasses.replace(RECORD, model="", provider="", started_at=None, ended_at=None, cost_usd=None, lease=None)
    assert from_json(to_json(bare)) == bare


def test_every_change_of_status_is_in_the_table_or_refused() -> None:
    moves = {(before, after) for before, possible in TRANSITIONS.items() for after in possible}
    assert TRANSITIONS.keys() == {*STATUSES}
    for before, after in itertools.product(STATUSES, STATUSES):
        record = dataclasses.replace(RECORD, status=before)
        if (before, after) in moves:
            changed = transition(record, after, reason="why")
            assert (changed.status, changed.reason) == (after, "why")
            assert changed.lease == (RECORD.lease if after == "running" else None)
        else:
            with pytest.raises(UnmoorRuntimeError, match=f"^run {record.id} is {before}, and cannot become {after}$"):
                transition(record, after)
    assert {after for before, after in moves if before == "queued"} == {"running", "cancelled", "failed", "lost"}
    assert {after for before, after in moves if before == "running"} == {*STATUSES}
    assert len(moves) == 4 + len(STATUSES)  # and none from a final status


def test_the_json_has_the_members_that_readers_rely_on() -> None:
    values = json.loads(to_json(RECORD))
    wanted = ["id", "status", "trigger", "harness", "model", "session", "usage", "cost_usd", "started_at", "ended_at"]
    assert {*wanted, "confinement", "artifacts"} <= values.keys()
    assert values["usage"] == {
        "input": 1200,
        "cached_input": 200,
        "cache_write": 0,
        "output": 34,
        "reasoning": 0,
        "requests": 2,
    }
    assert values["cost_usd"] == "0.00834"
    assert values["trigger"] == {"name": "github", "kind": "webhook"}
    assert values["ended_at"] == "2026-11-24T20:15:03+00:00"


def test_a_member_of_a_later_release_is_passed_over() -> None:
    values = {**json.loads(to_json(RECORD)), "novelty": 1}
    assert from_json(json.dumps(values).encode()) == RECORD


def test_newer_runs_sort_first() -> None:
    ids = [keys.run_id(NOW + timedelta(milliseconds=n)) for n in range(50)]
    assert sorted(ids, reverse=True) == ids
    assert all(keys.RUN_ID.fullmatch(i) for i in ids)
    assert keys.creation_time(ids[7]) == NOW + timedelta(milliseconds=7)


def test_any_path_and_any_session_has_a_key_that_every_store_takes() -> None:
    key = keys.artifact_key("run-1", "out/ü & b/100%.md")
    assert key == "runs/run-1/artifacts/out/=C3=BC=20=26=20b/100=25.md"
    assert keys.session_record_key("../../x") == f"sessions/{keys.session_digest('../../x')}/session.json"
