"""Webhooks to a real `unmoor dev`: the example of the issues, and a gateway that is killed while they come."""

from __future__ import annotations

import copy
import json
import re
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import senders
from ruamel.yaml import YAML
from senders import SECRET
from test_serve import dev

pytestmark = pytest.mark.process

EXAMPLE = Path(__file__).parents[3] / "examples" / "02-issue-triage" / "unmoor.yaml"


def send(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def test_the_example_of_the_issues_goes_from_a_signed_webhook_to_the_end_of_its_run(tmp_path: Path) -> None:
    example = json.loads(json.dumps(YAML(typ="safe").load(EXAMPLE.read_text())))
    parts = {name: copy.deepcopy(example[name]) for name in ("triggers", "run")}
    del parts["run"]["max_cost_usd"]  # a command spends nothing
    (tmp_path / "agent").mkdir(parents=True)
    (tmp_path / "agent" / "secret").write_text(SECRET)
    issue = {"html_url": "https://github.com/example/project/issues/7", "number": 7, "title": "It is broken"}
    opened, closed = (json.dumps({"action": action, "issue": issue}).encode() for action in ("opened", "closed"))
    with dev(tmp_path, **parts, secrets={"hook-secret": {"file": "secret"}}) as serving:
        hook = f"{serving.url}/hooks/github"
        status, taken = send(hook, opened, senders.github(opened))
        assert status == 202
        shown = serving.until(taken["id"], "succeeded", "failed")
        assert shown["status"] == "succeeded"
        assert re.match(rf"Triage issue «data (\w+)»{issue['html_url']}«end \1»\n", shown["answer"])
        assert shown["session"] == "7"
        assert send(hook, opened, senders.github(opened)) == (202, taken)
        assert send(hook, closed, senders.github(closed, delivery="d-2"))[0] == 200
        assert send(hook, opened, senders.github(opened, secret="wrong"))[0] == 401
        listed = serving.ask("/deliveries")["deliveries"]
        assert [line["outcome"] for line in listed] == ["refused", "filtered", "repeated", "accepted"]
        assert len(serving.ask("/runs")["runs"]) == 1
    assert SECRET not in (tmp_path / "told").read_text()


def test_a_gateway_that_is_killed_while_webhooks_come_has_lost_none_and_started_none_twice(tmp_path: Path) -> None:
    hook = {"name": "hook", "webhook": {"verify": "none"}, "prompt": "{{ event.n }}"}
    parts: dict[str, Any] = {"triggers": [hook], "run": {"max_concurrent": 1}, "script": "cat"}
    answered: dict[int, str] = {}
    enough = threading.Event()

    def one(url: str, number: int) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"key-{number}"}
        try:
            status, taken = send(f"{url}/hooks/hook", json.dumps({"n": number}).encode(), headers)
        except OSError:
            return  # it was killed
        assert status == 202
        assert answered.setdefault(number, taken["id"]) == taken["id"]
        if len(answered) >= 20:
            enough.set()

    with ThreadPoolExecutor(8) as many:
        with dev(tmp_path, **parts) as serving:
            sending = [many.submit(one, serving.url, number) for number in range(60)]
            assert enough.wait(60)
            serving.process.kill()
            for each in sending:
                each.result()
        before = dict(answered)
        with dev(tmp_path, **parts) as serving:
            for each in [many.submit(one, serving.url, number) for number in range(60)]:
                each.result()
            listed = serving.ask("/runs?limit=200")["runs"]
            assert {run["id"] for run in listed} == set(answered.values())
            assert len(listed) == len(answered) == 60
            assert {number: answered[number] for number in before} == before
