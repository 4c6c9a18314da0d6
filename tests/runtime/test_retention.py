"""What is older than it should be goes, and nothing else does."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from test_run_record import RECORD

from unmoor.runtime.state import keys
from unmoor.runtime.state.retention import delete_expired
from unmoor.runtime.state.run_record import Lease, RunStatus, to_json
from unmoor.runtime.store import open_store

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DAY = 86400


def store_with(root: Path, *objects: tuple[str, bytes, int]) -> None:
    """A store with objects, each last written so many days ago."""
    for key, content, days in objects:
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        at = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (at, at))


def left(root: Path, keep_s: int = 30 * DAY) -> list[str]:
    asyncio.run(delete_expired(open_store(root.as_uri()), now=NOW, keep_s=keep_s))
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and ".unmoor" not in p.parts)


def record(status: RunStatus) -> bytes:
    lease = Lease(owner="x", expires_at=NOW) if status == "running" else None
    return to_json(dataclasses.replace(RECORD, status=status, lease=lease))


RUN = keys.run_record_key(RECORD.id)
EVENTS = keys.event_segment_key(RECORD.id, 1)


def test_a_run_goes_whole_when_its_newest_object_is_old(tmp_path: Path) -> None:
    store_with(tmp_path, (RUN, record("succeeded"), 31), (EVENTS, b"{}\n", 31))
    assert left(tmp_path) == []


def test_a_run_with_one_new_object_stays_whole(tmp_path: Path) -> None:
    store_with(tmp_path, (RUN, record("succeeded"), 29), (EVENTS, b"{}\n", 31))
    assert left(tmp_path) == sorted([RUN, EVENTS])


@pytest.mark.parametrize(
    ("status", "days", "stays"), [("queued", 90, True), ("running", 29, True), ("running", 31, False)]
)
def test_a_run_that_waits_or_goes_on_stays_and_one_whose_runner_died_goes(
    tmp_path: Path, status: RunStatus, days: int, stays: bool
) -> None:
    store_with(tmp_path, (RUN, record(status), days))
    assert left(tmp_path) == ([RUN] if stays else [])


def test_odd_objects_stop_nothing(tmp_path: Path) -> None:
    odd = [("runs/stray", b"x", 31), ("runs/a/run.json", b"{", 31), ("runs/b/events/1", b"", 31), ("stray", b"x", 31)]
    store_with(tmp_path, *odd, ("sessions/d/session.json", b"{", 31), ("budget/2026-01-01.json", b"{}", 31))
    assert left(tmp_path) == ["stray"]


def test_a_session_goes_when_no_run_has_held_it_for_long_and_a_bundle_never(tmp_path: Path) -> None:
    kept = [("sessions/new/session.json", b"{}", 1), ("sessions/new/a.tar.zst", b"", 90), ("bundles/x.tar", b"", 90)]
    store_with(tmp_path, *kept, ("sessions/old/session.json", b"{}", 31), ("sessions/old/a.tar.zst", b"", 31))
    assert left(tmp_path) == sorted(key for key, _, _ in kept)


def test_what_a_clock_that_runs_ahead_wrote_is_not_old(tmp_path: Path) -> None:
    store_with(tmp_path, (RUN, record("succeeded"), -400))
    assert left(tmp_path) == [RUN]


def test_an_empty_store_is_nothing_to_sweep(tmp_path: Path) -> None:
    assert left(tmp_path / "never-was") == []


def test_what_came_goes_piece_by_piece_however_much_comes_after_it(tmp_path: Path) -> None:
    old = [
        keys.delivery_dedup_key("github", "a"),
        keys.schedule_dedup_key("nightly", "a"),
        f"{keys.DELIVERY_LOG}abcd/a.ndjson",
    ]
    new = [
        keys.delivery_dedup_key("github", "b"),
        keys.schedule_dedup_key("nightly", "b"),
        f"{keys.DELIVERY_LOG}abcd/b.ndjson",
    ]
    store_with(tmp_path, *((key, b"{}", 31) for key in old), *((key, b"{}", 29) for key in new))
    assert left(tmp_path) == sorted(new)


def test_up_to_when_a_schedule_is_done_with_is_never_forgotten(tmp_path: Path) -> None:
    store_with(tmp_path, (keys.schedule_cursor_key("yearly"), b"{}", 400))
    assert left(tmp_path) == [keys.schedule_cursor_key("yearly")]
