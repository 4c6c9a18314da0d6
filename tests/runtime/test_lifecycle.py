"""A run comes to exactly one end, whatever its harness does."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from processes import ME
from runs import Bench, Ran, shell, stored_events, stored_text

from unmoor.runtime.errors import TransientError
from unmoor.runtime.events import FINAL_STATUSES
from unmoor.runtime.run.lease import LeaseLost, acquire_lease
from unmoor.runtime.state import keys
from unmoor.runtime.store import open_store

pytestmark = pytest.mark.process


def ran(root: Path, script: str, **parts: Any) -> Ran:
    return Bench(root, shell(script, **parts)).run()


def assert_one_end(run: Ran, status: str) -> None:
    assert run.record.status == status
    assert run.record.status in FINAL_STATUSES
    assert [e["status"] for e in run.of("run.finished")] == [status]
    assert run.events[-1]["type"] == "run.finished"
    assert run.record.lease is None
    assert run.record.ended_at is not None
    assert [e["n"] for e in run.events] == list(range(1, len(run.events) + 1))
    assert stored_events(run) == run.events


def test_a_run_that_ends_well_succeeds_with_its_answer_and_artifacts(tmp_path: Path) -> None:
    run = ran(tmp_path, "mkdir out; tee out/said", run={"artifacts": ["out/**"]})
    assert_one_end(run, "succeeded")
    assert run.record.answer == "hello"
    assert run.record.reason == ""
    assert [a.path for a in run.record.artifacts] == ["out/said"]
    assert run.artifact("out/said") == b"hello\n"
    assert [e["type"] for e in run.events] == ["run.started", "message", "run.finished"]


def test_a_command_that_fails_is_failed_with_its_last_word(tmp_path: Path) -> None:
    run = ran(tmp_path, "echo no such thing >&2; exit 3")
    assert_one_end(run, "failed")
    assert run.record.reason == "sh exited with code 3: no such thing"


def test_a_program_that_is_not_there_is_failed_in_one_line(tmp_path: Path) -> None:
    spec = shell("")
    spec["harness"]["command"] = ["no-such-program"]
    run = Bench(tmp_path, spec).run()
    assert_one_end(run, "failed")
    assert run.record.reason == "this machine: No such file or directory: no-such-program"


def test_a_run_that_takes_too_long_is_timed_out_and_nothing_of_it_lives_on(tmp_path: Path) -> None:
    run = ran(tmp_path, f"(sleep 3451.{ME} &); sleep 3451.{ME}", run={"timeout": "1s"})
    assert_one_end(run, "timed_out")
    assert run.record.reason == "timed out after 1s (run.timeout)"
    assert not living(f"sleep 3451.{ME}")


def test_a_harness_that_ignores_its_end_is_killed(tmp_path: Path) -> None:
    run = ran(tmp_path, f"trap '' TERM; while :; do sleep 3452.{ME}; done", run={"timeout": "1s"})
    assert_one_end(run, "timed_out")
    assert not living(f"sleep 3452.{ME}")


def test_a_daemon_that_is_left_behind_is_ended(tmp_path: Path) -> None:
    run = ran(tmp_path, f"setsid sh -c 'sleep 3453.{ME} & sleep 3453.{ME}' & echo done")
    assert_one_end(run, "succeeded")
    assert any("outlived the harness and were killed" in e["text"] for e in run.of("notice"))
    assert not living(f"sleep 3453.{ME}")


def test_a_daemon_that_cleared_its_environment_and_left_its_session_is_ended_too(tmp_path: Path) -> None:
    run = ran(
        tmp_path, f"(env -i setsid /bin/sh -c 'exec /bin/sleep 3454.{ME}' </dev/null >/dev/null 2>&1 &) ; echo done"
    )
    assert_one_end(run, "succeeded")
    assert not living(f"sleep 3454.{ME}")


def test_a_harness_that_closes_its_output_and_lives_on_is_ended(tmp_path: Path) -> None:
    run = ran(tmp_path, f"echo said; exec >&- 2>&-; sleep 3455.{ME}")
    assert_one_end(run, "failed")
    assert any(e["text"].startswith("the harness closed stdout") for e in run.of("notice"))
    assert not living(f"sleep 3455.{ME}")


def test_output_that_is_not_utf8_is_kept_as_far_as_it_is_text(tmp_path: Path) -> None:
    run = ran(tmp_path, r"printf 'a\377b\n\000\n'")
    assert_one_end(run, "succeeded")
    assert run.of("message")[0]["text"] == "a\ufffdb"


def test_a_line_of_fifty_megabytes_is_cut_and_the_run_goes_on(tmp_path: Path) -> None:
    run = ran(tmp_path, "head -c 50000000 /dev/zero | tr '\\0' x; echo; echo end")
    assert_one_end(run, "succeeded")
    assert run.record.answer == "end"
    assert [e["text"] for e in run.of("notice")] == [
        "the harness wrote a line of 50000000 bytes; it was truncated and not parsed"
    ]


def test_a_flood_of_output_does_not_outrun_the_timeout(tmp_path: Path) -> None:
    began = time.monotonic()
    run = ran(tmp_path, "yes flood | head -c 300000000", run={"timeout": "1s"})
    assert run.record.status in ("timed_out", "succeeded")
    assert time.monotonic() - began < 60


def test_a_full_disk_under_the_store_is_failed_and_said(tmp_path: Path) -> None:
    class FullStore:
        """A store whose disk takes no artifact any more; everything else is the real one's."""

        def __init__(self) -> None:
            self.inner = open_store((tmp_path / "store").as_uri())

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        async def upload(self, key: str, path: Path) -> None:
            raise TransientError(f"store: {key}: No space left on device")

    bench = Bench(tmp_path, shell("echo x > a", run={"artifacts": ["a"]}), store=FullStore())  # type: ignore[arg-type]
    run = bench.run()
    assert run.record.status == "failed"
    assert run.record.reason.endswith("/artifacts/a: No space left on device")


def test_a_cancel_that_another_process_asks_for_ends_the_run(tmp_path: Path) -> None:
    async def ask(stop: Any, record: Any, store: Any) -> None:
        await store.put(keys.cancel_key(record.id), b"")

    run = Bench(tmp_path, shell(f"sleep 3456.{ME}")).run(before=lambda record, store: ask(None, record, store))
    assert_one_end(run, "cancelled")
    assert not living(f"sleep 3456.{ME}")


def test_a_container_that_is_told_to_stop_has_everything_safe_within_eight_seconds(tmp_path: Path) -> None:
    marks: list[float] = []

    async def tell(stop: Any, record: Any, store: Any) -> None:
        while not (tmp_path / "work").exists() or not list((tmp_path / "work").glob("s-*/work/kept")):
            await asyncio.sleep(0.02)
        marks.append(time.monotonic())
        stop.request("stopped", grace_s=2.0)

    bench = Bench(tmp_path, shell("trap '' TERM; echo state > kept; while :; do sleep 1; done"))
    run = bench.run(session="a", during=tell)
    assert time.monotonic() - marks[0] < 8
    assert_one_end(run, "lost")
    assert run.record.reason == "the container was told to stop"
    bench.spec = shell("cat kept")
    assert bench.run(session="a").record.answer == "state"


def test_runs_of_one_session_share_a_workspace_and_no_other_run_does(tmp_path: Path) -> None:
    bench = Bench(tmp_path, shell("cat notes 2>/dev/null; cat >> notes; pwd"))
    first, second, other = bench.run("one\n", session="k"), bench.run("two\n", session="k"), bench.run("x\n")
    assert len(first.record.answer.splitlines()) == 1
    assert second.record.answer.splitlines()[0] == "one"
    assert second.record.answer.splitlines()[-1] == first.record.answer.splitlines()[-1]
    assert len(other.record.answer.splitlines()) == 1


def test_a_run_waits_for_the_run_that_holds_its_session(tmp_path: Path) -> None:
    from unmoor.runtime.run.sessions import acquire_session

    async def hold_for_a_while(record: Any, store: Any) -> None:
        from datetime import UTC, datetime

        held = await acquire_session(store, "k", "run-other", clock=lambda: datetime.now(UTC))
        assert not isinstance(held, str)

        async def let_go() -> None:
            await asyncio.sleep(0.2)
            await held.release()

        tasks.append(asyncio.create_task(let_go()))

    tasks: list[Any] = []
    run = Bench(tmp_path, shell("echo mine")).run(session="k", before=hold_for_a_while)
    assert_one_end(run, "succeeded")
    assert run.of("notice")[0]["text"] == "waiting for run run-other, which holds session k"


def test_what_was_left_behind_by_a_harness_is_never_followed(tmp_path: Path) -> None:
    secret = tmp_path / "outside"
    secret.write_text("the runner can read this")
    script = f"ln -s {secret} stolen; ln -s {tmp_path} folder; mkfifo pipe; echo mine > own"
    run = ran(tmp_path, script, run={"artifacts": ["**"]})
    assert [a.path for a in run.record.artifacts] == ["own"]
    assert "the runner can read this" not in stored_text(tmp_path / "store")


def test_a_run_is_run_once_whoever_asks(tmp_path: Path) -> None:
    run = ran(tmp_path, "echo x")

    async def again() -> None:
        from datetime import UTC, datetime

        await acquire_lease(run.store, run.record.id, owner="b", clock=lambda: datetime.now(UTC))

    with pytest.raises(LeaseLost, match=rf"^run {run.record.id} has ended: succeeded$"):
        asyncio.run(again())


def test_no_secret_reaches_the_store_in_any_form(tmp_path: Path) -> None:
    value = 'sesame/open+"wide"=='
    script = (
        'echo "$K"; printf %s "$K" | base64; printf %s "$K" | od -An -tx1 | tr -d " \\n"; '
        'printf "x%s" "$K" | base64; echo "$K" >&2; exit 1'
    )
    spec = shell(script.replace("$K", value.replace('"', '\\"')))
    run = Bench(tmp_path, spec, secrets={"key": value}).run()
    text = stored_text(tmp_path / "store" / "runs")
    import base64

    for form in (value, base64.b64encode(value.encode()).decode(), value.encode().hex()):
        assert form not in text
    assert "[secret:key]" in text
    assert run.record.reason == "sh exited with code 1: [secret:key]"


def test_the_harness_sees_nothing_of_the_runners_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "cloud-credential-value")
    run = ran(tmp_path, "env | sort")
    assert "cloud-credential-value" not in run.record.answer
    assert "AWS_" not in run.record.answer


def living(command: str) -> bool:
    """Whether a process with that command line lives."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if command in path.read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                state = (path.parent / "stat").read_text().rsplit(")", 1)[1].split()[0]
                if state != "Z":
                    return True
        except OSError:
            continue
    return False
