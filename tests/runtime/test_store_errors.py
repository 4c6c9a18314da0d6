"""A store that fails, at each of a run's calls: the run still comes to exactly one end, and loses no session."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from runs import IMPATIENT, Bench, Ran, shell, stored_events

from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.events import FINAL_STATUSES
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import from_json
from unmoor.runtime.store import Store, open_store

pytestmark = pytest.mark.process

Kind = Literal["before", "after"]
# A run makes fewer calls of the store than this; the first test shows it.
CALLS = 40


class Faulty:
    """A store whose n-th call fails, or every call from the n-th on: before it does anything, or after it has."""

    def __init__(self, inner: Store, first: int, *, kind: Kind = "before", for_good: bool = False) -> None:
        self.inner, self.first, self.kind, self.for_good = inner, first, kind, for_good
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        act = getattr(self.inner, name)
        if name == "list":
            return self._listed
        if not callable(act):
            return act

        async def call(key: str, *rest: Any) -> Any:
            fails = self._fails()
            if fails and self.kind == "before":
                raise TransientError(f"store: {key}: it was unplugged")
            result: Any = await cast(Any, act)(key, *rest)
            if fails:
                raise TransientError(f"store: {key}: the answer was lost")
            return result

        return call

    async def _listed(self, prefix: str, *, after: str = "") -> AsyncIterator[Any]:
        if self._fails():
            raise TransientError(f"store: {prefix}: it was unplugged")
        async for entry in self.inner.list(prefix, after=after):
            yield entry

    def _fails(self) -> bool:
        self.calls += 1
        return self.calls >= self.first if self.for_good else self.calls == self.first


SCRIPT = "cat state 2>/dev/null; echo kept > state; echo out > result"


# One look at whether the run is cancelled, so that the number of calls does not go by the clock.
PATIENCE = dataclasses.replace(IMPATIENT, cancel_poll_s=60)


def bench(root: Path) -> Bench:
    return Bench(root, shell(SCRIPT, run={"artifacts": ["result"]}), patience=PATIENCE)


def with_a_session(root: Path) -> tuple[Bench, Store]:
    """A bench whose session k has a state already, and the real store behind it."""
    agent = bench(root)
    agent.store = open_store((root / "store").as_uri())
    agent.run(session="k")
    return agent, agent.store


def assert_one_end(store: Store, run: Ran) -> None:
    assert run.record.status in FINAL_STATUSES
    run.store = store
    events = stored_events(run)
    assert [e["n"] for e in events] == list(range(1, len(events) + 1))
    assert [e["status"] for e in events if e["type"] == "run.finished"] == [run.record.status]


@pytest.mark.parametrize("kind", ["before", "after"])
def test_whichever_call_fails_once_the_run_succeeds_and_its_session_goes_on(tmp_path: Path, kind: Kind) -> None:
    agent, store = with_a_session(tmp_path)
    for number in range(2, CALLS):
        # The first call is the test's own, which queues the run.
        agent.store = Faulty(store, number, kind=kind)  # type: ignore[assignment]
        run = agent.run(session="k")
        assert_one_end(store, run)
        assert (run.record.status, run.record.reason) == ("succeeded", ""), number
        assert run.record.answer == "kept"
        assert [a.path for a in run.record.artifacts] == ["result"]
        if agent.store.calls < number:  # type: ignore[attr-defined]
            return
    pytest.fail(f"a run makes over {CALLS} calls of its store")


def test_wherever_the_store_goes_for_good_one_line_says_so_and_the_session_is_whole(tmp_path: Path) -> None:
    agent, store = with_a_session(tmp_path)
    said: list[str] = []
    for number in range(2, CALLS):
        agent.store = Faulty(store, number, for_good=True)  # type: ignore[assignment]
        try:
            run = agent.run(session=f"k{number}")
        except TransientError as fault:
            said.append(str(fault))
        else:
            assert_one_end(store, run)
            break
    else:
        pytest.fail(f"a run makes over {CALLS} calls of its store")
    assert all(len(text.splitlines()) == 1 for text in said)
    agent.store = store
    assert agent.run(session="k").record.answer == "kept"


def test_an_artifact_that_is_not_taken_fails_the_run_but_neither_its_answer_nor_its_session(tmp_path: Path) -> None:
    agent, store = with_a_session(tmp_path)

    class NoArtifacts(Faulty):
        def __getattr__(self, name: str) -> Any:
            act = getattr(self.inner, name)

            async def upload(key: str, path: Path) -> None:
                if "/artifacts/" in key:
                    raise TransientError(f"store: {key}: No space left on device")
                await act(key, path)

            return upload if name == "upload" else act

    agent.store = NoArtifacts(store, 0)  # type: ignore[assignment]
    agent.spec = shell("echo more >> state; cat state", run={"artifacts": ["state"]})
    run = agent.run(session="k")
    assert run.record.status == "failed"
    assert run.record.reason.endswith("/artifacts/state: No space left on device")
    assert run.record.answer == "kept\nmore"
    agent.store = store
    assert agent.run(session="k").record.answer == "kept\nmore\nmore"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not an archive", "is damaged: "),
        (b"", "is damaged: "),
    ],
)
def test_a_damaged_session_is_failed_in_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    agent, _ = with_a_session(tmp_path)
    for archive in (tmp_path / "store" / "sessions").rglob("*.tar.zst"):
        archive.write_bytes(content)
    run = agent.run(session="k")
    assert run.record.status == "failed"
    assert reason in run.record.reason
    assert len(run.record.reason.splitlines()) == 1


def test_half_an_archive_is_a_damaged_one(tmp_path: Path) -> None:
    agent = Bench(tmp_path, shell("head -c 3000000 /dev/urandom > big"))
    agent.run(session="k")
    for archive in (tmp_path / "store" / "sessions").rglob("*.tar.zst"):
        archive.write_bytes(archive.read_bytes()[:1_000_000])
    run = agent.run(session="k")
    assert run.record.status == "failed"
    assert "is damaged: " in run.record.reason


def test_a_session_whose_archive_is_gone_is_failed_and_says_which(tmp_path: Path) -> None:
    agent, _ = with_a_session(tmp_path)
    for archive in (tmp_path / "store" / "sessions").rglob("*.tar.zst"):
        archive.unlink()
    run = agent.run(session="k")
    assert run.record.status == "failed"
    assert run.record.reason.startswith("session k: sessions/")
    assert run.record.reason.endswith(".tar.zst is not in the store")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"key": "k"}', b'{"key":"k","holder":"x","until":"tomorrow"}'])
def test_a_session_record_that_is_none_is_said_in_one_line(tmp_path: Path, content: bytes) -> None:
    agent, store = with_a_session(tmp_path)
    asyncio.run(store.put(keys.session_record_key("k"), content))
    run = agent.run(session="k")
    if content == b'{"key": "k"}':
        assert run.record.status == "succeeded"
        return
    key = keys.session_record_key("k")
    assert run.record.reason == f"session k: {key} is not a record that this release can read"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda raw: {**raw, "status": "paused"}, "ValueError: status 'paused'"),
        (lambda raw: {}, "KeyError: 'status'"),
        (lambda raw: {**raw, "created_at": "yesterday"}, "ValueError: Invalid isoformat string: 'yesterday'"),
    ],
)
def test_a_record_that_is_none_is_refused_in_one_line(tmp_path: Path, change: Any, why: str) -> None:
    async def spoil(record: Any, store: Store) -> None:
        key = keys.run_record_key(record.id)
        stored = await store.get(key)
        assert stored is not None
        await store.put(key, json.dumps(change(json.loads(stored.content))).encode())

    with pytest.raises(UnmoorRuntimeError, match=r"^runs/run-.*/run\.json is not a record of this release: ") as caught:
        Bench(tmp_path, shell("true")).run(before=spoil)
    assert str(caught.value).endswith(why)


def test_a_run_whose_harness_raises_what_nobody_expected_is_failed_and_says_where(tmp_path: Path) -> None:
    agent = bench(tmp_path)

    agent.spec["harness"]["args"] = ["nul\0byte"]
    run = agent.run()
    assert run.record.status == "failed"
    assert run.record.reason.startswith("internal error of the runner: ValueError in ")


def test_an_end_that_was_said_but_not_recorded_is_recorded_by_whoever_comes_next(tmp_path: Path) -> None:
    agent = bench(tmp_path)
    real = open_store((tmp_path / "store").as_uri())

    class ForgetsTheEnd(Faulty):
        def __getattr__(self, name: str) -> Any:
            act = getattr(self.inner, name)

            async def replace(key: str, content: bytes, version: str) -> str | None:
                if key.endswith("run.json") and from_json(content).is_final:
                    raise TransientError(f"store: {key}: it was unplugged")
                return await act(key, content, version)

            return replace if name == "compare_and_swap" else act

    agent.store = ForgetsTheEnd(real, 0)  # type: ignore[assignment]
    with pytest.raises(TransientError):
        agent.run()

    async def again() -> Ran:
        from datetime import UTC, datetime, timedelta

        from runs import IMPATIENT, PROGRAMS, NoWay

        from unmoor.runtime.run.context import RunContext
        from unmoor.runtime.run.lifecycle import execute_run
        from unmoor.runtime.run.stop import Stop

        [entry] = [e async for e in real.list("runs/") if e.key.endswith("run.json")]
        host = RunContext(
            store=real,
            bundle=agent._bundle(),
            secrets={},
            guard=NoWay(),
            work_root=tmp_path / "work",
            in_image=False,
            programs=PROGRAMS,
            owner="next",
            clock=lambda: datetime.now(UTC) + timedelta(minutes=2),
            timeouts=IMPATIENT,
        )
        record = await execute_run(entry.key.split("/")[1], host, Stop())
        return Ran(record=record, events=[], store=real, root=tmp_path)

    run = asyncio.run(again())
    assert (run.record.status, run.record.attempt) == ("succeeded", 2)
    assert_one_end(real, run)
