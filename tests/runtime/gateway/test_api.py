"""The HTTP API's contract, and what it says to input that is wrong."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from gateways import TOKEN, Client, artifact, gateway, put, record, until
from yarl import URL

from unmoor.runtime.errors import TransientError
from unmoor.runtime.gateway.http.requests import MOST_BODY
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import RunRecord
from unmoor.runtime.store import Store, open_store

Act = Callable[[Client], Awaitable[Any]]


def within(folder: Path, act: Act, **more: Any) -> Any:
    """What the act returns, with a gateway that runs meanwhile."""

    async def whole() -> Any:
        async with gateway(folder, **more) as client:
            return await act(client)

    return asyncio.run(whole())


def test_a_run_is_accepted_shown_and_listed(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        answer = await client.ask("POST", "/runs", json={"prompt": "do it", "session": "s"})
        run = answer.json["id"]
        assert (answer.status, answer.json) == (202, {"id": run, "status": "queued"})
        assert answer.headers["location"] == f"/runs/{run}"
        shown = (await client.get(f"/runs/{run}")).json
        assert {k: shown[k] for k in ("id", "prompt", "session", "trigger", "cost_usd", "ended_at", "model")} == {
            "id": run,
            "prompt": "do it",
            "session": "s",
            "trigger": {"name": "api", "kind": "api"},
            "cost_usd": None,
            "ended_at": None,
            "model": None,
        }
        assert "lease" not in shown
        listed = (await client.get("/runs")).json
        assert ([r["id"] for r in listed["runs"]], listed["next_cursor"]) == ([run], None)

    within(tmp_path, act)


def test_an_accepted_run_is_durable_before_it_is_answered(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        run = await client.start("kept")
        assert (await client.record(run)).prompt == "kept"
        assert await client.store.get(keys.queue_entry_key(run)) is not None

    within(tmp_path, act, max_concurrent=1)


def test_a_run_without_a_session_has_the_specs_where_that_is_the_same_for_all(tmp_path: Path) -> None:
    async def act(client: Client) -> tuple[str, str]:
        runs = [await client.start(), await client.start(session="own")]
        return tuple([(await client.record(run)).session for run in runs])  # type: ignore[return-value]

    assert within(tmp_path / "a", act, session="always") == ("always", "own")
    assert within(tmp_path / "b", act, session="{{ event.issue }}") == ("", "own")


def test_secrets_in_a_prompt_are_not_written_down(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        run = await client.start("use s3cr3t-key-of-mine")
        assert (await client.record(run)).prompt == "use [secret:my-key]"
        assert "s3cr3t-key-of-mine" not in json.dumps(client.logged)

    within(tmp_path, act, secrets={"my-key": "s3cr3t-key-of-mine"})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the body is not JSON at line 1; send a JSON object"),
        (b'{"prompt": ', "the body is not JSON at line 1; send a JSON object"),
        (b"\xff\xfe\xff", "the body is not JSON; send a JSON object"),
        (b"[" * 100_000, "the body is not JSON; send a JSON object"),
        (b"1" * 5000, "the body is not JSON; send a JSON object"),
        (b'["prompt"]', "the body is not a JSON object"),
        (b"{}", "prompt: is empty or missing; write the task for the agent"),
        (b'{"prompt": " \\n"}', "prompt: is empty or missing; write the task for the agent"),
        (b'{"prompt": 1}', "prompt: is not a string"),
        (b'{"prompt": null}', "prompt: is not a string"),
        (b'{"prompt": "x", "session": ["k"]}', "session: is not a string"),
        (b'{"prompt": "x", "session": "' + b"k" * 513 + b'"}', "session: is longer than 512 characters"),
        (b'{"prompt": "x", "prompt": "y"}', "prompt: appears more than once"),
        (b'{"prompt": "x", "model": "y"}', "model: unknown field; a run has prompt and session"),
    ],
)
def test_a_body_that_is_no_run_is_one_clear_line(tmp_path: Path, body: bytes, says: str) -> None:
    async def act(client: Client) -> None:
        assert (await client.ask("POST", "/runs", data=body)).error == (400, says)
        assert (await client.get("/runs")).json["runs"] == []

    within(tmp_path, act)


def test_odd_texts_are_taken_as_they_are(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        run = await client.start("a\x00b \u2028 «data» 𝄞")
        assert (await client.get(f"/runs/{run}")).json["prompt"] == "a\x00b \u2028 «data» 𝄞"
        half = await client.ask("POST", "/runs", data=b'{"prompt": "half \\ud800"}')
        assert half.status == 202
        assert (await client.get(f"/runs/{half.json['id']}")).json["prompt"] == "half ?"

    within(tmp_path, act)


def test_a_body_that_is_too_large_is_refused_however_its_length_is_said(tmp_path: Path) -> None:
    async def pieces() -> Any:
        for _ in range(20):
            yield b"x" * 65536

    async def act(client: Client) -> None:
        says = (413, f"the body is larger than {MOST_BODY} bytes")
        assert (await client.ask("POST", "/runs", data=io.BytesIO(b"x" * (MOST_BODY + 1)))).error == says
        assert (await client.ask("POST", "/runs", data=pieces())).error == says
        fits = json.dumps({"prompt": "x" * (MOST_BODY - 20)})
        assert (await client.ask("POST", "/runs", data=io.BytesIO(fits.encode()))).status == 202

    within(tmp_path, act)


PATHS = ("/runs", "/runs/x", "/runs/x/events", "/runs/x/artifacts/y", "/metrics", "/openapi.json", "/nothing")


@pytest.mark.parametrize("shown", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "ü"])
def test_without_the_token_nothing_is_said(tmp_path: Path, shown: str | None) -> None:
    async def act(client: Client) -> None:
        for path in PATHS:
            answer = await client.get(path, token=shown)
            assert answer.error == (401, "the token is missing or wrong; send Authorization: Bearer TOKEN")
            assert answer.headers["www-authenticate"] == "Bearer"
        assert (await client.ask("POST", "/runs", token=shown, json={"prompt": "x"})).status == 401
        assert (await client.get("/runs")).json["runs"] == []

    within(tmp_path, act)


def test_the_token_is_taken_as_a_bearer_and_no_other_way(tmp_path: Path) -> None:
    async def act(client: Client) -> list[int]:
        shown = ({"authorization": f"bearer {TOKEN}"}, {"authorization": f"Basic {TOKEN}"}, {"cookie": TOKEN})
        return [(await client.get("/runs", token=None, headers=h)).status for h in shown]

    assert within(tmp_path, act) == [200, 401, 401]


async def is_ready(client: Client) -> bool:
    return (await client.get("/readyz", token=None)).status == 200


def test_health_and_readiness_are_open_and_readiness_names_the_bundle(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        assert (await client.get("/healthz", token=None)).json == {"status": "ok"}
        await until(lambda: is_ready(client))
        ready = await client.get("/readyz", token=None)
        assert (ready.status, ready.json["status"], len(ready.json["bundle"])) == (200, "ready", 64)

    within(tmp_path, act)


@pytest.mark.parametrize(
    ("method", "path", "error"),
    [
        ("GET", "/nothing", (404, "unknown path; GET /openapi.json lists all paths")),
        ("GET", "/runs/", (404, "unknown path; GET /openapi.json lists all paths")),
        ("DELETE", "/runs", (405, "DELETE is not allowed for this path")),
        ("PUT", "/healthz", (405, "PUT is not allowed for this path")),
        ("GET", "/runs/nothing", (404, "no run has this id")),
        ("GET", "/runs/..%2F..%2Fetc", (404, "unknown path; GET /openapi.json lists all paths")),
        ("GET", "/runs/run-000000000-000000%2e", (404, "no run has this id")),
        ("GET", "/runs/run-000000000-0000000", (404, "no run has this id")),
        ("GET", "/runs/run-000000000-0000000%0a/events", (404, "no run has this id")),
        ("POST", "/runs/run-000000000-0000000/cancel", (404, "no run has this id")),
        ("GET", "/runs?limit=0", (400, "limit: '0' is not an integer from 1 to 200")),
        ("GET", "/runs?limit=1e3", (400, "limit: '1e3' is not an integer from 1 to 200")),
        ("GET", "/runs?limit=%D9%A3", (400, "limit: '٣' is not an integer from 1 to 200")),
        ("GET", "/runs?limit=" + "9" * 5000, (400, f"limit: '{'9' * 40}' is not an integer from 1 to 200")),
        (
            "GET",
            "/runs?cursor=../x",
            (400, "cursor: '../x' is not a cursor; use the next_cursor of the previous page"),
        ),
        ("GET", "/runs?limit=1&limit=2", (400, "limit: appears more than once")),
        ("GET", "/runs?page=2", (400, "page: unknown parameter; this path takes limit and cursor")),
        ("POST", "/runs?prompt=x", (400, "prompt: unknown parameter; this path takes none")),
    ],
)
def test_what_is_not_there_or_not_meant_is_one_clear_line(
    tmp_path: Path, method: str, path: str, error: tuple[int, str]
) -> None:
    async def act(client: Client) -> None:
        as_it_stands = URL(client.url + path, encoded=True)
        assert (await client.ask(method, as_it_stands)).error == error

    within(tmp_path, act)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/runs", {"GET", "HEAD", "POST"}),
        ("/runs/x", {"GET", "HEAD"}),
        ("/runs/x/cancel", {"POST"}),
        ("/ping", {"GET", "HEAD"}),
        ("/invocations", {"POST"}),
        ("/hooks/x", {"POST"}),
        ("/page/main.js", {"GET", "HEAD"}),
    ],
)
def test_a_method_that_is_not_possible_is_answered_with_those_that_are(
    tmp_path: Path, path: str, allowed: set[str]
) -> None:
    async def act(client: Client) -> None:
        for method in ("OPTIONS", "TRACE", "PATCH", "NONSENSE"):
            answer = await client.ask(method, path)
            assert answer.error == (405, f"{method} is not allowed for this path")
            assert set(answer.headers["allow"].split(", ")) == allowed

    within(tmp_path, act)


def test_head_answers_as_get_does_without_the_body(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        run = await with_artifacts(client)
        for path in ("/", "/runs", f"/runs/{run.id}", f"/runs/{run.id}/artifacts/big", "/healthz", "/ping", "/metrics"):
            head = await client.ask("HEAD", path)
            assert (head.status, head.body) == (200, b"")
            assert head.headers["content-type"] == (await client.get(path)).headers["content-type"]

    within(tmp_path, act)


def test_bytes_that_are_no_http_break_one_connection_and_nothing_else(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        assert (await client.raw("\x00\x01\x02 nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400")
        assert (await client.raw(f"GET /{'x' * 70_000} HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 4")
        assert (await client.get("/runs")).status == 200

    within(tmp_path, act)


def test_pages_hold_all_runs_once_newest_first(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        made = [await put(client.store, record(n), events=n % 3) for n in range(7)]
        found: list[str] = []
        cursor = ""
        while True:
            page = (await client.get(f"/runs?limit=3{cursor and '&cursor=' + cursor}")).json
            found += [r["id"] for r in page["runs"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert found == [r.id for r in reversed(made)]
        exact = (await client.get("/runs?limit=7")).json
        assert (len(exact["runs"]), exact["next_cursor"]) == (7, None)

    within(tmp_path, act)


def test_a_run_with_many_objects_is_listed_once(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        await put(client.store, record(1), events=90)
        await put(client.store, record(2), events=45)
        page = (await client.get("/runs?limit=2")).json
        assert [r["id"] for r in page["runs"]] == [record(2).id, record(1).id]

    within(tmp_path, act)


class Counting:
    """A store that counts what is read, and fails when told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.read = self.listed = 0
        self.broken = False

    def __getattr__(self, name: str) -> Any:
        if self.broken:
            raise TransientError("store: runs: the disk is on fire")
        return getattr(self._store, name)

    async def get(self, key: str) -> Any:
        self.read += 1
        return await self.__getattr__("get")(key)

    async def list(self, prefix: str, *, after: str = "") -> Any:
        async for entry in self.__getattr__("list")(prefix, after=after):
            self.listed += prefix == "runs/"
            yield entry


def test_a_page_reads_its_own_runs_and_no_others(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        counting: Any = client.store
        for number in range(60):
            await put(counting, record(number), events=1)
        counting.read = counting.listed = 0
        assert len((await client.get("/runs?limit=5")).json["runs"]) == 5
        assert counting.read == 5
        assert counting.listed <= 13

    within(tmp_path, act, store=Counting(open_store((tmp_path / "store").as_uri())))


def test_a_store_that_fails_is_said_without_its_secrets_and_readiness_says_so(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        counting: Any = client.store
        run = await client.start()
        counting.broken = True
        answer = await client.get(f"/runs/{run}")
        assert answer.error == (503, "the store cannot be reached; try again")
        assert (await client.ask("POST", "/runs", json={"prompt": "x"})).status == 503
        for _ in range(100):
            if (await client.get("/readyz")).status == 503:
                break
            await asyncio.sleep(0.02)
        assert (await client.get("/readyz")).json["status"] == "not ready"
        assert (await client.get("/healthz")).status == 200
        counting.broken = False
        assert (await client.get(f"/runs/{run}")).status == 200

    within(tmp_path, act, store=Counting(open_store((tmp_path / "store").as_uri())))


def test_a_record_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        await client.store.put(keys.run_record_key(record().id), b"{}")
        status, says = (await client.get(f"/runs/{record().id}")).error
        assert (status, says.partition(":")[0]) == (
            500,
            f"runs/{record().id}/run.json is not a record of this release",
        )

    within(tmp_path, act)


async def with_artifacts(client: Client) -> RunRecord:
    run = record(
        status="succeeded", artifacts=(artifact("out/a.html"), artifact("ü b.txt", 5), artifact("big", 300_000))
    )
    return await put(client.store, run)


def test_an_artifact_is_a_download_and_never_a_page(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        run = await with_artifacts(client)
        page = await client.get(f"/runs/{run.id}/artifacts/out/a.html")
        assert (page.status, page.body) == (200, b"xxx")
        assert page.headers["content-type"] == "application/octet-stream"
        assert page.headers["content-disposition"] == "attachment; filename*=UTF-8''a.html"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["content-security-policy"] == "default-src 'none'; sandbox"
        named = await client.get(f"/runs/{run.id}/artifacts/ü b.txt")
        assert (named.body, named.headers["content-disposition"]) == (
            b"xxxxx",
            "attachment; filename*=UTF-8''%C3%BC%20b.txt",
        )
        assert len((await client.get(f"/runs/{run.id}/artifacts/big")).body) == 300_000

    within(tmp_path, act)


@pytest.mark.parametrize(
    ("asked", "status", "body", "said"),
    [
        ("bytes=0-1", 206, b"01", "bytes 0-1/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=0-99999999", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=3-1", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=x", 200, b"0123456789", None),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
    ],
)
def test_one_range_of_an_artifact_is_served_and_any_other_is_the_whole(
    tmp_path: Path, asked: str, status: int, body: bytes | None, said: str | None
) -> None:
    async def act(client: Client) -> None:
        run = await put(client.store, record(status="succeeded", artifacts=(artifact("a", 10),)))
        await client.store.put(keys.artifact_key(run.id, "a"), b"0123456789")
        answer = await client.get(f"/runs/{run.id}/artifacts/a", headers={"range": asked})
        assert (answer.status, answer.headers.get("content-range")) == (status, said)
        assert answer.body == body if body is not None else answer.error == (416, "the file has 10 bytes")

    within(tmp_path, act)


def test_an_artifact_that_a_client_has_is_not_sent_again(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        run = await with_artifacts(client)
        path = f"/runs/{run.id}/artifacts/out/a.html"
        tag = (await client.get(path)).headers["etag"]
        assert tag == f'"{"0" * 64}"'
        again = await client.get(path, headers={"if-none-match": tag})
        assert (again.status, again.body) == (304, b"")
        part = {"range": "bytes=0-0", "if-range": '"another"'}
        assert (await client.get(path, headers=part)).status == 200

    within(tmp_path, act)


def test_files_that_were_fetched_for_a_client_are_gone_once_it_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def act(client: Client) -> None:
        run = await with_artifacts(client)
        await client.get(f"/runs/{run.id}/artifacts/big")
        await client.get(f"/runs/{run.id}/artifacts/big", headers={"range": "bytes=0-1"})
        await client.ask("HEAD", f"/runs/{run.id}/artifacts/big")
        async with client.session.get(
            f"{client.url}/runs/{run.id}/artifacts/big", headers={"authorization": f"Bearer {TOKEN}"}
        ) as answer:
            answer.close()  # before all of it came
        await until(lambda: not list(tmp_path.glob("artifact-*")))

    within(tmp_path / "gateway", act)


@pytest.mark.parametrize(
    "path", ["../run.json", "%2e%2e/run.json", "..%2frun.json", "out/../out/a.html", "", "OUT/a.html"]
)
def test_a_path_that_the_run_did_not_name_leads_nowhere(tmp_path: Path, path: str) -> None:
    async def act(client: Client) -> None:
        run = await with_artifacts(client)
        url = URL(f"{client.url}/runs/{run.id}/artifacts/{path}", encoded=True)
        answer = await client.ask("GET", url)
        assert answer.status == 404
        assert b"prompt" not in answer.body

    within(tmp_path, act)


def test_an_artifact_that_retention_has_removed_is_gone(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        run = await with_artifacts(client)
        await client.store.delete(keys.artifact_key(run.id, "big"))
        assert (await client.get(f"/runs/{run.id}/artifacts/big")).error == (
            410,
            "the artifact is no longer in the store",
        )

    within(tmp_path, act)


def test_metrics_count_runs_and_requests(tmp_path: Path) -> None:
    async def act(client: Client) -> str:
        run = await client.start()
        await client.until_started(1)
        await client.launcher.end(run, "failed")
        await client.get(f"/runs/{run}")
        await client.get("/what/ever")
        await until(lambda: any(message == "run ended" for message, _ in client.logged))
        return (await client.get("/metrics")).body.decode()

    text = within(tmp_path, act)
    assert "unmoor_runs_accepted_total 1.0" in text
    assert 'unmoor_runs_ended_total{status="failed"} 1.0' in text
    assert 'unmoor_queue_runs{status="running"} 0.0' in text
    assert 'unmoor_http_request_seconds_count{method="GET",route="/runs/{id}",status="200"} 1.0' in text
    assert 'route="other",status="404"' in text
    assert "/what/ever" not in text


def test_every_answer_of_a_run_is_as_the_document_says(tmp_path: Path) -> None:
    from jsonschema import Draft202012Validator

    async def act(client: Client) -> None:
        document = (await client.get("/openapi.json")).json
        run = await client.start()

        def check(name: str, values: Any) -> None:
            whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            Draft202012Validator(whole).validate(values)

        check("Run", (await client.get(f"/runs/{run}")).json)
        check("Error", (await client.get("/runs/x")).json)
        check("Started", (await client.ask("POST", f"/runs/{run}/cancel")).json)

    within(tmp_path, act)


def test_requests_are_logged_without_token_or_query(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        await client.get("/runs?limit=3", headers={"x-note": "y"})
        message, fields = client.logged[-1]
        assert (message, fields["method"], fields["path"], fields["status"]) == ("request", "GET", "/runs", 200)
        assert TOKEN not in json.dumps(client.logged)

    within(tmp_path, act)
