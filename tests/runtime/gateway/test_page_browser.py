"""The page at `/` in a real browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from browsers import DESKTOP, PHONE, Seen, looking, many_events
from gateways import NOW, TOKEN, artifact, now, put, put_event, record

from unmoor.runtime.events import (
    Finished,
    Message,
    ModelUsage,
    NetworkDenied,
    Notice,
    Started,
    Tokens,
    ToolCall,
    ToolResult,
    as_values,
)
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import Lease, RunRecord, to_json
from unmoor.runtime.store import Store

pytestmark = pytest.mark.browser

ENDED: dict[str, Any] = {
    "status": "succeeded",
    "started_at": NOW,
    "ended_at": NOW + timedelta(seconds=93),
    "provider": "anthropic",
    "model": "claude-sonnet-4-5",
    "cost_usd": Decimal("0.084213"),
    "usage": Tokens(input=48210, output=2107),
}


def seen(folder: Path, act: Callable[[Seen], Awaitable[Any]], **more: Any) -> Any:
    """What the act returns, with a browser before a gateway."""

    async def whole() -> Any:
        async with looking(folder, **more) as page:
            return await act(page)

    return asyncio.run(whole())


def running(number: int = 1, **fields: Any) -> RunRecord:
    lease = Lease(owner="another", expires_at=now() + timedelta(hours=1))
    return record(number, **{"status": "running", "started_at": now(), "lease": lease, **fields})


async def put_events(store: Store, run: RunRecord, *events: Any) -> None:
    for number, event in enumerate(events, 1):
        at = (NOW + timedelta(seconds=number)).isoformat()
        line = json.dumps({"n": number, "at": at, **as_values(event)}) + "\n"
        await store.put(keys.event_segment_key(run.id, number), line.encode())


WORKED = (
    Started(harness="claude-code", version="2.1.330", model="claude-sonnet-4-5", session="", confinement="none"),
    Message(text="I will look."),
    ToolCall(id="1", name="Bash", input='{"command":"ls"}'),
    ToolResult(id="1", output="a.txt", is_error=False),
    ToolCall(id="2", name="Read", input='{"path":"b.txt"}'),
    ToolResult(id="2", output="no such file", is_error=True),
    ModelUsage(model="m", tokens=Tokens(input=1200, output=34), cost_usd=Decimal("0.0123")),
    Notice(level="warning", text="The model was busy"),
    NetworkDenied(destination="packages.example.com:443", reason="not in network.egress"),
    Finished(status="succeeded", reason="", tokens=Tokens(), cost_usd=None, artifacts=()),
)


def test_the_page_asks_for_the_token_and_believes_only_the_right_one(tmp_path: Path) -> None:
    async def act(on: Seen) -> None:
        await on.page.goto(on.client.url)
        field = on.page.get_by_label("API token")
        await field.fill("wrong")
        await field.press("Enter")
        await on.page.get_by_text("This gateway rejects the token.").wait_for()
        await field.fill(TOKEN)
        await field.press("Enter")
        await on.page.get_by_role("heading", name="Runs").wait_for()
        assert await on.page.evaluate("document.cookie") == ""
        assert await on.page.evaluate("Object.keys(localStorage).length") == 0
        await on.page.get_by_role("button", name="Sign out").click()
        await field.wait_for()
        assert await on.page.evaluate("sessionStorage.length") == 0

    seen(tmp_path, act)


def test_a_token_in_the_address_signs_in_and_is_gone_from_it(tmp_path: Path) -> None:
    async def act(on: Seen) -> None:
        await on.sign_in()
        assert on.page.url == f"{on.client.url}/#/runs"
        assert await on.page.evaluate("history.length") == 2  # about:blank, and this one
        assert TOKEN not in json.dumps(on.client.logged)
        assert on.errors == []

    seen(tmp_path, act)


def test_runs_are_listed_with_status_trigger_model_duration_and_cost_and_kept_fresh(tmp_path: Path) -> None:
    async def act(on: Seen) -> None:
        await on.sign_in()
        await on.page.get_by_text("No runs yet.").wait_for()
        assert f"{on.client.url}/runs -d" in await on.page.locator("pre").inner_text()
        await put(on.client.store, record(1, **ENDED, prompt="First\nsecond line", trigger="github"))
        await on.rows(1)
        cells = await on.page.locator("tbody tr > *").all_inner_texts()
        assert cells[:4] == ["succeeded", "First", "github", "claude-sonnet-4-5"]
        assert [cell.replace("\u00a0", " ") for cell in cells[5:]] == ["1 m 33 s", "$0.0842"]
        assert on.errors == []

    seen(tmp_path, act)


def test_older_runs_are_a_link_away_and_back_goes_back(tmp_path: Path) -> None:
    async def act(on: Seen) -> None:
        for number in range(60):
            await put(on.client.store, record(number, **ENDED, prompt=f"number {number}"))
        await on.sign_in()
        await on.rows(50)
        await on.page.get_by_role("link", name="Older").click()
        await on.rows(10)
        await on.page.reload()
        await on.rows(10)
        await on.page.go_back()
        await on.rows(50)
        assert on.errors == []

    seen(tmp_path, act)


def test_a_run_shows_its_facts_and_its_log_with_tools_folded(tmp_path: Path) -> None:
    run = record(1, **ENDED, answer="Done.", session="s-1", kind="webhook", trigger="github")

    async def act(on: Seen) -> None:
        await put(on.client.store, run)
        await put_events(on.client.store, run, *WORKED)
        await on.sign_in(f"#/runs/{run.id}")
        await on.entries(8)
        assert await on.page.locator(".log-state").inner_text() == "Ended"
        labels = await on.page.locator(".log .label").all_inner_texts()
        assert labels == ["start", "message", "tool", "tool", "usage", "warning", "refused", "end"]
        first, second = on.page.locator(".log details").nth(0), on.page.locator(".log details").nth(1)
        assert await first.evaluate("(e) => e.open") is False
        assert (
            "(failed)" in await second.locator("summary").inner_text()
            or "failed" in await second.locator("summary").inner_text()
        )
        await first.locator("summary").click()
        await first.locator("pre").nth(1).wait_for()
        assert await first.locator("pre").all_inner_texts() == ['{\n  "command": "ls"\n}', "a.txt"]
        facts = await on.page.locator(".facts").inner_text()
        for text in ("github (webhook)", "anthropic/claude-sonnet-4-5", "$0.0842", "48,210 in, 2,107 out", "s-1"):
            assert text in facts
        await on.page.get_by_label("Raw events").check()
        await on.entries(10)
        raw = [json.loads(text) for text in await on.page.locator(".log pre").all_inner_texts()]
        assert [event["n"] for event in raw] == list(range(1, 11))
        assert on.errors == []

    seen(tmp_path, act)


def test_a_live_log_goes_on_where_a_broken_stream_was_and_ends_with_the_run(tmp_path: Path) -> None:
    run = running()
    asked: list[str | None] = []

    async def act(on: Seen) -> None:
        async def broken_twice(route: Any) -> None:
            asked.append(route.request.headers.get("last-event-id"))
            if len(asked) == 1:  # three events, and the connection ends
                events = [{"n": n, "at": "", "type": "message", "text": f"line {n}"} for n in (1, 2, 3)]
                parts = [f"id: {e['n']}\nevent: message\ndata: {json.dumps(e)}\n\n" for e in events]
                await route.fulfill(content_type="text/event-stream", body="retry: 10\n\n" + "".join(parts))
            elif len(asked) == 2:
                await route.abort()
            else:
                await route.continue_()

        await put(on.client.store, run, events=4)
        await on.page.route("**/events*", broken_twice)
        await on.sign_in(f"#/runs/{run.id}")
        await on.entries(4)
        assert asked == [None, "3", "3"]
        assert await on.page.get_by_label("Follow").is_checked()
        await on.page.get_by_text("Live", exact=True).wait_for()
        await put_event(on.client.store, run.id, 5)
        await on.entries(5)
        texts = await on.page.locator(".log .what").all_inner_texts()
        assert [text.split("\n")[0] for text in texts] == ["line 1", "line 2", "line 3", "line 4", "line 5"]
        ended = replace(run, status="succeeded", lease=None, ended_at=now())
        await on.client.store.put(keys.run_record_key(run.id), to_json(ended))
        await on.page.get_by_text("Ended", exact=True).wait_for()
        await on.page.locator(".status.succeeded").wait_for()

    seen(tmp_path, act)


def test_where_no_stream_passes_the_log_comes_by_polling(tmp_path: Path) -> None:
    run = running()

    async def act(on: Seen) -> None:
        async def no_stream(route: Any) -> None:
            if "text/event-stream" in route.request.headers.get("accept", ""):
                await route.fulfill(status=503, json={"error": {"status": 503, "message": "200 streams are open"}})
            else:
                await route.continue_()

        await put(on.client.store, run, events=2)
        await on.page.route("**/events*", no_stream)
        await on.sign_in(f"#/runs/{run.id}")
        await on.page.get_by_text("Live, by polling").wait_for()
        await put_event(on.client.store, run.id, 3)
        await on.entries(3)

    seen(tmp_path, act)


def test_a_run_is_started_by_keyboard_and_cancelled_after_a_question(tmp_path: Path) -> None:
    async def act(on: Seen) -> None:
        await on.sign_in("#/new")
        await on.page.get_by_label("Prompt").wait_for()
        await on.page.keyboard.type("do it")  # the focus is there already
        await on.page.keyboard.press("Tab")
        await on.page.keyboard.type("my-session")
        await on.page.keyboard.press("Tab")
        await on.page.keyboard.press("Enter")
        await on.client.until_started(1)
        run = on.client.launcher.started[0]
        assert (await on.client.record(run)).prompt == "do it"
        assert (await on.client.record(run)).session == "my-session"
        await on.page.wait_for_url(f"**/#/runs/{run}")
        await on.page.get_by_role("button", name="Cancel run").click()
        assert await on.page.evaluate("document.activeElement.textContent") == "Keep running"
        await on.page.keyboard.press("Escape")
        assert await on.client.store.get(keys.cancel_key(run)) is None
        await on.page.get_by_role("button", name="Cancel run").click()
        await on.page.get_by_role("dialog").get_by_role("button", name="Cancel run").click()
        await on.page.get_by_text("Cancellation requested.").wait_for(state="attached")
        assert await on.client.store.get(keys.cancel_key(run)) is not None
        assert on.errors == []

    seen(tmp_path, act)


def test_what_the_api_refuses_stands_beside_the_form(tmp_path: Path) -> None:
    async def act(on: Seen) -> None:
        await on.sign_in("#/new")
        await on.page.get_by_label("Prompt").fill(" ")
        await on.page.get_by_role("button", name="Start run").click()
        await on.page.get_by_text("prompt: is empty or missing; write the task for the agent").wait_for()

    seen(tmp_path, act)


HOSTILE = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>' onload='window.hacked=1"


def test_nothing_from_outside_runs_or_becomes_markup(tmp_path: Path) -> None:
    names = (f"out/{HOSTILE}.html", "out/javascript:alert(1)", "out/a.html")
    run = record(1, **{**ENDED, "model": HOSTILE}, prompt=HOSTILE, answer=HOSTILE, session=HOSTILE, trigger=HOSTILE,
                 reason=HOSTILE, artifacts=tuple(artifact(name) for name in names))  # fmt: skip

    async def act(on: Seen) -> None:
        await put(on.client.store, run)
        events = [Message(text=HOSTILE), ToolCall(id="1", name=HOSTILE, input=HOSTILE), ToolResult(id="1", output=HOSTILE, is_error=True),
                  Notice(level=HOSTILE, text=HOSTILE), NetworkDenied(destination=HOSTILE, reason=HOSTILE)]  # type: ignore[arg-type]  # fmt: skip
        await put_events(on.client.store, run, *events)
        line = json.dumps({"n": 6, "at": HOSTILE, "type": "__proto__", "x": HOSTILE})
        await on.client.store.put(keys.event_segment_key(run.id, 6), line.encode())
        await on.sign_in()
        await on.rows(1)
        await on.page.goto(f"{on.client.url}/#/runs/{run.id}")
        await on.entries(5)
        await on.page.locator(".log summary").first.click()
        await on.page.get_by_label("Raw events").check()
        await on.entries(6)
        assert await on.page.locator("main img, main script, main iframe, main [onload], main [onerror]").count() == 0
        for hash in (
            "#/<img src=x onerror=window.hacked=1>",
            "#/runs/<script>window.hacked=1</script>",
            f"#/runs?after={HOSTILE}",
            "#/__proto__",
            "#/runs/%",
        ):
            await on.page.goto(f"{on.client.url}/{hash}")
            await on.page.wait_for_load_state()
        assert await on.page.evaluate("window.hacked") is None

    seen(tmp_path, act)


def test_a_script_that_got_in_all_the_same_would_not_run(tmp_path: Path) -> None:
    async def act(on: Seen) -> None:
        await on.sign_in()
        await on.page.evaluate(
            """() => {
              const script = document.createElement("script");
              try { script.text = "window.hacked = 1"; document.body.append(script); } catch {}
              try { document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.hacked=1'>"); } catch {}
              const link = document.createElement("a");
              link.href = "javascript:window.hacked=1";
              document.body.append(link);
              link.click();
            }"""
        )
        assert await on.page.evaluate("window.hacked") is None
        assert any("Content Security Policy" in error for error in on.errors)

    seen(tmp_path, act)


def test_an_artifact_is_downloaded_under_its_name(tmp_path: Path) -> None:
    run = record(1, **ENDED, artifacts=(artifact("out/a page.html", 5), artifact("gone.txt")))

    async def act(on: Seen) -> None:
        await put(on.client.store, run)
        await on.client.store.delete(keys.artifact_key(run.id, "gone.txt"))
        await on.sign_in(f"#/runs/{run.id}")
        async with on.page.expect_download() as download:
            await on.page.get_by_role("button", name="Download out/a page.html").click()
        got = await download.value
        assert got.suggested_filename == "a page.html"
        assert Path(await got.path()).read_bytes() == b"xxxxx"
        await on.page.get_by_role("button", name="Download gone.txt").click()
        await on.page.get_by_text("the artifact is no longer in the store").wait_for()

    seen(tmp_path, act)


def test_a_log_of_twenty_thousand_events_does_not_freeze_the_page(tmp_path: Path) -> None:
    run = record(1, **ENDED)

    async def act(on: Seen) -> None:
        await put(on.client.store, run)
        await many_events(on.client, run, 20_000)
        await on.sign_in(f"#/runs/{run.id}")
        await on.page.get_by_text("20,000 entries").wait_for()
        assert await on.page.locator(".log > li").count() == 500
        more = on.page.get_by_role("button", name="more")
        for _ in range(3):
            await more.click()
        assert await on.page.locator(".log > li").count() == 1500
        texts = await on.page.locator(".log .what").all_inner_texts()
        assert (texts[0], texts[-1]) == ("line 501", "line 2000")
        await on.page.get_by_role("button", name="earlier").click()
        assert (await on.page.locator(".log .what").all_inner_texts())[0] == "line 1"
        await on.page.get_by_label("Raw events").check()
        await on.entries(500)

    seen(tmp_path, act)


def test_a_long_live_log_shows_its_newest_events_and_leaves_a_reader_alone(tmp_path: Path) -> None:
    run = running()

    async def act(on: Seen) -> None:
        await put(on.client.store, run)
        await many_events(on.client, run, 3000)
        await on.sign_in(f"#/runs/{run.id}")
        await on.page.get_by_text("line 3000", exact=True).wait_for()
        assert await on.page.locator(".log > li").count() <= 1000
        await on.page.wait_for_function("() => scrollY + innerHeight > document.documentElement.scrollHeight - 5")
        await on.page.mouse.wheel(0, -900)
        await on.page.wait_for_function("() => !document.querySelector('.toggle input').checked")
        where = await on.page.evaluate("scrollY")
        await on.client.store.put(
            keys.event_segment_key(run.id, 3001),
            json.dumps({"n": 3001, "at": "", "type": "message", "text": "line 3001"}).encode(),
        )
        await on.page.get_by_text("3,001 entries").wait_for()
        assert abs(await on.page.evaluate("scrollY") - where) < 400
        await on.page.get_by_label("Follow").check()
        await on.page.get_by_text("line 3001", exact=True).wait_for()

    seen(tmp_path, act)


DELIVERIES = [
    {
        "id": "1",
        "trigger": "github",
        "kind": "webhook",
        "at": NOW.isoformat(),
        "outcome": "accepted",
        "reason": "",
        "run": record(1).id,
    },
    {
        "id": "2",
        "trigger": "github",
        "kind": "webhook",
        "at": NOW.isoformat(),
        "outcome": "refused",
        "reason": HOSTILE,
        "run": "",
        "times": 1200,
    },
]


def test_deliveries_are_listed_where_the_gateway_has_them_and_not_spoken_of_elsewhere(tmp_path: Path) -> None:
    async def act(on: Seen) -> None:
        async def described(route: Any) -> None:
            answer = await route.fetch()
            values = await answer.json()
            values["paths"].pop("/deliveries", None)
            await route.fulfill(json={**values, "paths": {**values["paths"], **({"/deliveries": {}} if has else {})}})

        has = False
        await on.page.route("**/openapi.json", described)
        await on.page.route(
            "**/deliveries?*", lambda route: route.fulfill(json={"deliveries": DELIVERIES, "next_cursor": None})
        )
        await on.sign_in()
        assert await on.page.get_by_role("link", name="Deliveries").is_hidden()
        has = True
        await on.page.reload()
        await on.page.get_by_role("link", name="Deliveries").click()
        await on.rows(2, name="Deliveries, newest first")
        first, second = await on.page.locator("tbody tr").all_inner_texts()
        assert "accepted" in first
        assert record(1).id in first
        assert "refused" in second
        assert f"{HOSTILE} (1,200 times within a minute)" in second
        assert await on.problems() == []

    seen(tmp_path, act)


def test_a_gateway_that_is_away_is_said_in_one_line_and_the_page_recovers(tmp_path: Path) -> None:
    async def act(on: Seen) -> None:
        await on.sign_in()
        await on.page.get_by_text("No runs yet.").wait_for()
        await on.page.route("**/runs?*", lambda route: route.abort())
        await on.page.get_by_role("alert").get_by_text("The gateway does not respond.").wait_for()
        await on.page.unroute("**/runs?*")
        await put(on.client.store, record(1, **ENDED))
        await on.page.get_by_role("button", name="Try again").click()
        await on.rows(1)
        assert await on.page.locator("#fault").is_hidden()

    seen(tmp_path, act)


def test_a_token_that_is_changed_meanwhile_leads_back_to_sign_in(tmp_path: Path) -> None:
    async def act(on: Seen) -> None:
        await on.sign_in()
        await on.page.evaluate("sessionStorage.setItem('unmoor.token', 'old')")
        await on.page.reload()
        await on.page.get_by_text("The token was rejected. Sign in again.").wait_for()

    seen(tmp_path, act)


def test_addresses_work_by_reload_and_those_that_are_none_say_so(tmp_path: Path) -> None:
    async def act(on: Seen) -> None:
        await put(on.client.store, record(1, **ENDED))
        await on.sign_in(f"#/runs/{record(1).id}")
        await on.page.reload()
        await on.page.get_by_role("heading", name=record(1).id).wait_for()
        await on.page.goto(f"{on.client.url}/#/runs/run-000000000-0000000")
        await on.page.get_by_role("alert").get_by_text("no run has this id").wait_for()
        await on.page.goto(f"{on.client.url}/#/elsewhere")
        await on.page.get_by_role("heading", name="This page does not exist").wait_for()
        assert await on.page.evaluate("document.activeElement.tagName") == "H1"

    seen(tmp_path, act)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_view_is_without_fault_for_assistive_tools_and_never_wider_than_the_window(
    tmp_path: Path, size: tuple[int, int], dark: bool
) -> None:
    statuses = ("queued", "running", "succeeded", "failed", "timed_out", "cancelled", "over_budget", "lost")
    run = record(
        50, **ENDED, answer="Done.", reason="because", artifacts=(artifact("out/" + "long-name-" * 12 + ".txt"),)
    )

    async def act(on: Seen) -> None:
        found: dict[str, list[str]] = {}

        async def check(view: str) -> None:
            wide = await on.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            found[view] = (await on.problems()) + ([f"{wide} px too wide"] if wide > 0 else [])

        await on.page.goto(on.client.url)
        await on.page.get_by_label("API token").wait_for()
        await check("sign in")
        await on.sign_in()
        await on.page.get_by_text("No runs yet.").wait_for()
        await check("empty")
        for number, status in enumerate(statuses):
            await put(
                on.client.store,
                running(number, prompt="word " * 60) if status == "running" else record(number, status=status),
            )
        await put(on.client.store, run)
        await put_events(on.client.store, run, *WORKED)
        await on.rows(9)
        await check("list")
        await on.page.goto(f"{on.client.url}/#/runs/{run.id}")
        await on.entries(8)
        await on.page.locator(".log summary").first.click()
        await check("run")
        await on.page.get_by_label("Raw events").check()
        await check("raw")
        await on.page.goto(f"{on.client.url}/#/new")
        await on.page.get_by_label("Prompt").wait_for()
        await check("new")
        assert {view: problems for view, problems in found.items() if problems} == {}

    seen(tmp_path, act, size=size, dark=dark)
