"""What is older than it should be goes, and nothing else does."""

from __future__ import annotations

import asyncio
import dataclasses
import json
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


def record(status: RunStatus, days: int) -> bytes:
    """A record of a run that was created 90 days ago and went on until so many days ago."""
    at = NOW - timedelta(days=days)
    lease = Lease(owner="x", expires_at=at) if status == "running" else None
    ended = None if status in ("queued", "running") else at
    return to_json(dataclasses.replace(RECORD, id=ID, status=status, lease=lease, ended_at=ended))


ID = keys.run_id(NOW - timedelta(days=90), 5)
RUN = keys.run_record_key(ID)
EVENTS = keys.event_segment_key(ID, 1)


@pytest.mark.parametrize("touched", [0, 31, 400, -400])
@pytest.mark.parametrize(
    ("status", "days", "stays"),
    [
        ("succeeded", 31, False),
        ("succeeded", 29, True),
        ("queued", 90, True),
        ("running", 29, True),
        ("running", 31, False),
    ],
)
def test_a_run_goes_whole_by_its_record_whatever_its_files_times_are(
    tmp_path: Path, status: RunStatus, days: int, stays: bool, touched: int
) -> None:
    store_with(tmp_path, (RUN, record(status, days), touched), (EVENTS, b"{}\n", touched))
    assert left(tmp_path) == (sorted([RUN, EVENTS]) if stays else [])


def test_what_says_its_own_time_goes_by_it(tmp_path: Path) -> None:
    old, new = (keys.run_id(NOW - timedelta(days=days), 5) for days in (31, 29))

    def objects(run: str, day: str) -> list[tuple[str, bytes]]:
        held = {"saved_at": "2020-01-01T00:00:00+00:00", "until": keys.creation_time(run).isoformat()}
        return [
            (f"{keys.DELIVERY_LOG}abcd/{run.removeprefix('run-')}.ndjson", b""),
            (f"budget/{day}.json", b"{}"),
            (f"sessions/s-{day}/session.json", json.dumps(held).encode()),
        ]

    kept = objects(new, "2026-10-26")
    # A sender may name its delivery as it likes, also as an old run.
    dedup = (
        keys.delivery_dedup_key("github", keys.run_id(NOW - timedelta(days=400), 7)),
        json.dumps({"run": new}).encode(),
    )
    store_with(
        tmp_path, *((*each, 400) for each in (*kept, dedup)), *((*each, 0) for each in objects(old, "2026-10-24"))
    )
    assert left(tmp_path) == sorted(key for key, _ in (*kept, dedup))


def test_odd_objects_stop_nothing(tmp_path: Path) -> None:
    odd = [("runs/stray", b"x", 31), ("runs/a/run.json", b"{", 31), ("runs/b/events/1", b"", 31), ("stray", b"x", 31)]
    store_with(tmp_path, *odd, ("sessions/d/session.json", b"{", 31), ("budget/2026-01-01.json", b"{}", 31))
    assert left(tmp_path) == ["stray"]


def test_a_session_goes_when_no_run_has_held_it_for_long_and_a_bundle_never(tmp_path: Path) -> None:
    kept = [("sessions/new/session.json", b"{}", 1), ("sessions/new/a.tar.zst", b"", 90), ("bundles/x.tar", b"", 90)]
    store_with(tmp_path, *kept, ("sessions/old/session.json", b"{}", 31), ("sessions/old/a.tar.zst", b"", 31))
    assert left(tmp_path) == sorted(key for key, _, _ in kept)


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
