"""verify: what runs is what was asked for, or a line says what is not."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gateways import TOKEN, Client, gateway
from runs import Bench, shell
from scripted_server import Said, answering, refusal

from unmoor.errors import UnmoorError
from unmoor.operate.errors import OperateError
from unmoor.operate.gateway_agent import GatewayAgent
from unmoor.operate.gateway_client import GatewayHttp
from unmoor.operate.self_test import SelfTest
from unmoor.operate.verify import Patience, Verification, Verified
from unmoor.runtime import self_test_trigger
from unmoor.runtime.gateway.triggers.webhooks.signatures import sign_headers
from unmoor.target import Outputs
from unmoor.target.registry import load
from unmoor.target.revision import Revision, failed_revision, moving_revision, serving_revision

BUNDLE = "b" * 64
PATIENCE = Patience(revision_s=20, gateway_s=20, self_test_s=20, pause_s=2)


def outputs(url: str, *, bundle: str = BUNDLE, token: str = TOKEN) -> Outputs:
    return Outputs(url=url, store_url="s", token=token, gateway="g", run="r", logs="l", image="i", bundle=bundle)


class Looks:
    """A target whose looks at the revision are laid out."""

    name = "a-target"

    def __init__(self, *found: Any) -> None:
        self.found = list(found)

    def current_revision(self, outputs: Any, settings: Any, plan: Any) -> Revision | None:
        one = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        if isinstance(one, Exception):
            raise one
        return one


def verification(url: str, target: Any, *, said: list[str] | None = None, **more: Any) -> Verification:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    agent = GatewayAgent(http=GatewayHttp(url=url, token=TOKEN, token_from="the token", sleep=lambda s: None))
    plan: Any = None
    return Verification(
        target=target,
        plan=plan,
        settings=plan,
        outputs=more.pop("outputs", outputs(url)),
        agent=agent,
        notify=(said if said is not None else []).append,
        patience=PATIENCE,
        sleep=sleep,
        ticks=lambda: clock[0],
        **more,
    )


def lines(found: Verified) -> list[str]:
    return [f"{each.state} {each.topic}: {each}" for each in found.findings]


def ready(bundle: str = BUNDLE) -> Said:
    return Said(200, {"status": "ready", "bundle": bundle})


ACCEPTED = Said(202, {"id": "run-1"})
ENDED = {"created_at": "2026-03-01T12:00:00+00:00", "ended_at": "2026-03-01T12:00:03.5+00:00", "reason": ""}


def run(status: str, **more: Any) -> Said:
    return Said(200, {"id": "run-1", "status": status, **ENDED, **more})


def test_all_is_as_it_was_asked() -> None:
    said: list[str] = []
    with answering(ready(), ACCEPTED, run("queued"), run("running"), run("running"), run("succeeded")) as server:
        target = Looks(
            moving_revision("1 of 2 tasks run a:7"),
            moving_revision("1 of 2 tasks run a:7"),
            serving_revision("2 of 2 tasks run a:7"),
        )
        found = verification(server.url, target, said=said).verify()
    assert lines(found) == [
        "fine revision: 2 of 2 tasks run a:7",
        f"fine gateway: {server.url} is ready with bundle bbbbbbbbbbbb",
        "fine self-test: a signed delivery was accepted, and run-1 ended 3.5 s later",
    ]
    assert found.ok
    assert said == [
        "waiting for the revision: 1 of 2 tasks run a:7",
        "waiting for the self-test: run-1 is accepted",
        "waiting for the self-test: run-1 is queued",
        "waiting for the self-test: run-1 is running",
    ]
    hook = server.asked[1]
    assert (hook.path, hook.body) == ("/hooks/_self-test", b"{}")
    assert "authorization" not in hook.headers
    proof = sign_headers(self_test_trigger.VERIFY, TOKEN, b"{}", at=hook.headers["x-unmoor-timestamp"], message="")
    assert hook.headers["x-unmoor-signature"] == proof["X-Unmoor-Signature"]


def test_a_revision_that_failed_is_said_with_its_log_and_nothing_else_is_looked_at() -> None:
    with answering(ready()) as server:
        found = verification(server.url, Looks(failed_revision("ECS rolled back to a:6", ["boom"]))).verify()
    assert (lines(found), found.log, found.ok) == (["wrong revision: ECS rolled back to a:6"], ("boom",), False)
    assert server.asked == []


def test_a_revision_that_stays_on_its_way_is_given_up() -> None:
    found = verification("http://127.0.0.1:1", Looks(moving_revision("0 of 1 tasks run a:7"))).verify()
    assert lines(found) == ["wrong revision: 0 of 1 tasks run a:7; timed out after 20 s"]


def test_a_platform_that_cannot_be_asked_says_why() -> None:
    found = verification("http://127.0.0.1:1", Looks(OperateError("AWS cannot be reached: Unable to locate"))).verify()
    assert lines(found) == ["wrong revision: AWS cannot be reached: Unable to locate"]


def test_a_target_that_cannot_tell_is_no_fault() -> None:
    with answering(ready()) as server:
        found = verification(server.url, Looks(None), self_test=False).verify()
    assert lines(found)[0] == "note revision: not verified: a-target does not report its revision"
    assert found.ok


def test_a_third_partys_target_without_serving_cannot_tell() -> None:
    target = dataclasses.replace(load("vm-docker"), current_revision_by="")
    nothing: Any = None
    assert target.current_revision(outputs("http://x"), nothing, nothing) is None


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (ready("a" * 64), "{url} has bundle aaaaaaaaaaaa instead of the deployed bbbbbbbbbbbb"),
        (
            Said(503, {"status": "not ready", "bundle": BUNDLE}),
            "{url} is not ready: it cannot reach its store, or is stopping",
        ),
        (Said(200, {"hello": 1}), "{url}: answers, but not as a gateway"),
        (
            Said(200, b"<html>"),
            "{url}: answered 200, which is not a gateway's response; is this the gateway's address?",
        ),
        (
            Said(502, b"<html>"),
            "{url}: answered 502, which is not a gateway's response; is it up? --store URL reads the store itself",
        ),
        (refusal(404, "there is no such path"), "{url}: there is no such path"),
    ],
)
def test_a_gateway_that_is_not_the_one_that_was_deployed_is_waited_for_and_given_up(said: Said, text: str) -> None:
    with answering(said) as server:
        found = verification(server.url, Looks(serving_revision("x"))).verify()
    assert lines(found)[1] == "wrong gateway: " + text.format(url=server.url)
    assert len(server.asked) == 11


def test_a_domain_that_is_not_pointed_to_the_front_is_told_what_its_record_needs() -> None:
    pointing = replace(outputs("http://127.0.0.1:9"), dns_target="d-1.example.net")
    found = verification("http://127.0.0.1:9", Looks(serving_revision("x")), outputs=pointing).verify()
    assert lines(found)[1].endswith("; http://127.0.0.1:9 needs a DNS record, a CNAME or an alias, to d-1.example.net")


def test_a_gateway_that_becomes_the_right_one_is_right() -> None:
    said: list[str] = []
    with answering(Said(502, b""), ready("a" * 64), ready()) as server:
        found = verification(server.url, Looks(serving_revision("x")), said=said, self_test=False).verify()
    assert found.ok
    assert said[-1] == (
        f"waiting for the gateway: {server.url} has bundle aaaaaaaaaaaa instead of the deployed bbbbbbbbbbbb"
    )


def self_tested(*answers: Said) -> str:
    with answering(ready(), *answers) as server:
        found = verification(server.url, Looks(serving_revision("x"))).verify()
    return lines(found)[2].replace(server.url, "URL")


def test_what_comes_of_the_self_test() -> None:
    reason = "runner did not start: ECS answered POST / with 400: RESOURCE:MEMORY"
    runs = Said(200, {"runs": [{"id": "run-0", "status": "running"}], "next_cursor": None})
    none = Said(200, {"runs": [], "next_cursor": None})
    waiting = [run("queued")] * 10
    assert self_tested(ACCEPTED, run("failed", reason=reason)) == f"wrong self-test: run-1 failed: {reason}"
    assert self_tested(refusal(404, "no webhook trigger has this name")) == (
        "note self-test: not verified: the gateway's release has no self-test"
    )
    assert self_tested(refusal(429, "skipped: all 4 runs are taken")) == (
        "note self-test: not verified that runs start: URL: skipped: all 4 runs are taken"
    )
    assert self_tested(refusal(401, "the signature does not match")) == (
        "wrong self-test: URL: the signature does not match"
    )
    assert self_tested(ACCEPTED, *waiting, runs, Said(202, {"status": "cancelled"})) == (
        "note self-test: not verified that runs start: run-1 was queued behind 1 active runs"
    )
    assert self_tested(ACCEPTED, *waiting, none, Said(202, {"status": "cancelled"})) == (
        "wrong self-test: run-1 is queued after 20 s and was canceled"
    )
    assert self_tested(refusal(503, "the store cannot be reached")) == (
        "wrong self-test: URL: the store cannot be reached"
    )


async def looked(client: Client, token: str, until: Callable[[Any], bool]) -> Any:
    agent = GatewayAgent(http=GatewayHttp(url=client.url, token=TOKEN, token_from="the token"))
    test = SelfTest(agent=agent, token=token)
    try:
        while True:
            found = await asyncio.to_thread(test.poll)
            if until(found):
                return found
            if test.run:
                await client.launcher.end(test.run)
    finally:
        agent.close()


def test_every_gateway_takes_a_self_test_that_is_signed_with_its_token(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path, session="{{ event.issue.number }}-{{ trigger.name }}") as client:
            found = await looked(client, TOKEN, lambda found: found is not None)
            assert found.state == "fine", found
            [listed] = (await client.get("/deliveries")).json["deliveries"]
            assert (listed["trigger"], listed["kind"], listed["outcome"]) == ("_self-test", "self-test", "accepted")
            record = await client.record(listed["run"])
            assert (record.kind, record.session) == ("self-test", "")
            with pytest.raises(UnmoorError) as raised:
                await looked(client, "another token", lambda found: True)
            assert str(raised.value).endswith("the secret differs, or the body was changed")

    asyncio.run(act())


def test_a_self_test_starts_no_harness_and_fails_where_the_guard_is_away(tmp_path: Path) -> None:
    bench = Bench(tmp_path, shell("echo started > out.txt", run={"artifacts": ["*"]}))
    ran = bench.run(before=as_self_test)
    assert (ran.record.status, ran.record.reason) == (
        "failed",
        "the guard does not answer, so runs cannot reach a model",
    )
    assert [event["type"] for event in ran.events] == ["run.finished"]


class Answers:
    """A guard that answers everybody the same."""

    async def serve(self, stream: Any, grant: Any, emit: Any) -> None:
        await stream.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        await stream.close()


def test_a_self_test_succeeds_where_the_guard_answers(tmp_path: Path) -> None:
    ran = Bench(tmp_path, shell("exit 1"), way=Answers()).run(before=as_self_test)
    assert (ran.record.status, ran.record.answer) == ("succeeded", self_test_trigger.WHOLE)


async def as_self_test(record: Any, store: Any) -> None:
    from unmoor.runtime.state import keys
    from unmoor.runtime.state.run_record import to_json

    changed = dataclasses.replace(record, kind=self_test_trigger.KIND, trigger=self_test_trigger.NAME)
    await store.put(keys.run_record_key(record.id), to_json(changed))
