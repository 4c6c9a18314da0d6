"""Secrets that are planted in all that reaches a gateway, and looked for in all that it keeps, logs and answers."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from runs import stored_text
from test_serve import Serving, dev

pytestmark = pytest.mark.process

SECRETS = {
    "hook-secret": "hook/Secr3t+with&odd=signs",
    "model-key": 'sk-model-"quoted"-\\key-77',
    "mail": "of-the-inbox-ünï-41x",
    "token": "the-API-t0ken~of/this?test",
}
AGENT: dict[str, Any] = {
    "script": "cat; cat out/given 2>/dev/null; echo $0 >&2",
    "run": {"session": "{{ event.key }}", "max_concurrent": 2, "artifacts": ["out/**"]},
    "triggers": [
        {
            "name": "hook",
            "webhook": {
                "verify": {"scheme": "bearer", "secret": "hook-secret"},
                "when": {"body.action": "go"},
            },
            "prompt": "{{ event.text }} {{ event.inner }}",
        },
        {
            "name": "inbox",
            "email": {
                "imap": "127.0.0.1:1",
                "user": "u@example.com",
                "password": "mail",
                "allow_from": ["a@example.com"],
                "authserv_id": "mx.example.com",
            },
            "prompt": "{{ event.text }}",
        },
        {"name": "open", "webhook": {"verify": "none", "when": {"body.action": "go"}}, "prompt": "{{ event }}"},
    ],
    "model": {"provider": "anthropic", "name": "claude-sonnet-4-5", "api_key": "model-key"},
    "secrets": {name: {"file": name} for name in ("hook-secret", "model-key", "mail")},
}


def forms(value: str) -> dict[str, str]:
    """A secret as programs write it."""
    quoted = urllib.parse.quote(value, safe="")
    return {
        "as it is": value,
        "base64": base64.b64encode(value.encode()).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(value.encode()).decode(),
        "base64 with a name before it": base64.b64encode(f"user:{value}".encode()).decode(),
        "hex": value.encode().hex(),
        "a URL's": quoted,
        "a URL's in lower case": "".join(
            c.lower() if i and "%" in quoted[max(0, i - 2) : i] else c for i, c in enumerate(quoted)
        ),
        "a form's": urllib.parse.quote_plus(value),
        "JSON's": json.dumps(value)[1:-1],
        "JSON's with its letters": json.dumps(value, ensure_ascii=False)[1:-1],
    }


HOOK = {"Authorization": f"Bearer {SECRETS['hook-secret']}", "Content-Type": "application/json"}
TOKEN = {"Authorization": f"Bearer {SECRETS['token']}"}
PLANTED = [form for value in SECRETS.values() for form in forms(value).values()]


def request(serving: Serving, method: str, path: str, body: bytes | None, **headers: str) -> str:
    """What is answered, headers and all."""
    asked = urllib.request.Request(serving.url + path, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return f"{answer.status} {answer.headers} {answer.read().decode()}"
    except urllib.error.HTTPError as refused:
        return f"{refused.code} {refused.headers} {refused.read().decode()}"


def accepted(serving: Serving, value: str) -> list[str]:
    """All forms of one secret in requests that start runs."""
    planted = list(forms(value).values())
    event = {"action": "go", "text": f"see {planted[0]}, it", "inner": {"deep": planted, planted[1]: 1}}
    body = json.dumps({**event, "key": " ".join(planted)}).encode()
    name = {"Idempotency-Key": planted[1], "X-Odd": planted[5]}
    spoken = json.dumps({"prompt": "say " + " ".join(planted), "session": planted[2]}).encode()
    return [
        request(serving, "POST", "/hooks/hook?token=" + planted[5], body, **HOOK, **name),
        request(serving, "POST", "/hooks/hook", body[:-1] + b" }", **HOOK, **{"webhook-id": planted[4]}),
        request(
            serving,
            "POST",
            "/hooks/hook",
            body + b" ",
            **HOOK,
            **{"webhook-id": "x" * 190 + planted[0].encode().decode("latin-1")},
        ),
        request(serving, "POST", "/hooks/open", body, **{**HOOK, "Authorization": f"Basic {planted[3]}"}),
        request(serving, "POST", "/runs", spoken, **TOKEN),
    ]


def turned_away(serving: Serving, form: str) -> list[str]:
    """One form of one secret in requests that start nothing."""
    header = form.encode().decode("latin-1")
    passed = json.dumps({"action": form, "text": form}).encode()
    named = {"Idempotency-Key": header, "X-Odd": header, "User-Agent": header}
    return [
        request(serving, "POST", "/hooks/hook", passed, **HOOK, **named),
        request(serving, "POST", "/hooks/hook", passed[:-3], **HOOK),
        request(serving, "POST", "/hooks/hook", json.dumps({"action": "x" * 50 + form}).encode(), **HOOK),
        request(serving, "GET", f"/runs/{'x' * 185}{urllib.parse.quote(form, safe='')}", None, **TOKEN),
        request(serving, "POST", "/hooks/hook", passed, Authorization=f"Bearer x{header}"),
        request(serving, "POST", "/hooks/open", passed, **{"Content-Type": "application/json"}, **named),
        request(serving, "POST", "/hooks/open", form.encode(), **{"Content-Type": f"text/plain; charset={header}"}),
        request(serving, "POST", f"/hooks/{urllib.parse.quote(form, safe='')}", passed),
    ]


def asked(serving: Serving, form: str) -> list[str]:
    """The same in requests to the API."""
    quoted = urllib.parse.quote(form, safe="")
    return [
        request(serving, "POST", "/runs", json.dumps({"prompt": "x", form: form}).encode(), **TOKEN),
        request(serving, "POST", "/runs", form.encode(), **TOKEN),
        request(serving, "GET", f"/runs?limit={quoted}", None, **TOKEN),
        request(serving, "GET", f"/runs?{quoted}={quoted}", None, **TOKEN),
        request(serving, "GET", f"/runs?cursor={quoted}", None, **TOKEN),
        request(serving, "GET", f"/deliveries?trigger={quoted}", None, **TOKEN),
        request(serving, "GET", f"/runs/{quoted}", None, **TOKEN),
        request(serving, "GET", f"/{quoted}", None),
        request(serving, "DELETE", "/runs", None, **TOKEN),
    ]


def shown(serving: Serving) -> list[str]:
    """Every answer that the API and the page give about what is there."""
    paths = ["/runs?limit=200", "/deliveries?limit=200", "/metrics", "/openapi.json", "/", "/page/page.js", "/readyz"]
    listed = serving_runs(serving)
    for run in listed:
        paths += [f"/runs/{run}", f"/runs/{run}/events?after=0"]
    return [request(serving, "GET", path, None, **TOKEN) for path in paths]


def serving_runs(serving: Serving) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        asked = urllib.request.Request(f"{serving.url}/runs?limit=200{cursor}", headers=TOKEN)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            page = json.loads(answer.read())
        found += [run["id"] for run in page["runs"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def leaks(text: str, *, halves: bool = True) -> list[str]:
    """What is found of them: whole, or their first letters, which are where a text was cut in the middle."""
    firsts = [value[:8] for value in SECRETS.values()] if halves else []
    return sorted({form for form in [*PLANTED, *firsts] if form in text})


def test_no_secret_that_reaches_a_gateway_is_in_its_store_its_log_or_any_answer(tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    for name in AGENT["secrets"]:
        (tmp_path / "agent" / name).write_text(SECRETS[name])
    with dev(tmp_path, token=SECRETS["token"], **AGENT) as serving:
        answers = [each for value in SECRETS.values() for each in accepted(serving, value)]
        assert [answer[:3] for answer in answers] == ["202"] * len(answers)
        answers += [each for form in PLANTED for each in turned_away(serving, form) + asked(serving, form)]
        until_all_have_ended(serving)
        answers += shown(serving)
        assert serving.stop() == 0
    told, kept = (tmp_path / "told").read_text(), stored_text(tmp_path / ".local")
    names = "\n".join(str(path) for path in (tmp_path / ".local").rglob("*"))
    assert {
        "answers": leaks("\n".join(answers), halves=False),
        "log": leaks(told),
        "store": leaks(kept),
        "names": leaks(names),
    } == {
        "answers": [],
        "log": [],
        "store": [],
        "names": [],
    }
    assert "[secret:hook-secret]" in kept  # they came as far as this


def until_all_have_ended(serving: Serving) -> None:
    deadline = time.monotonic() + 60
    while any(
        status in request(serving, "GET", "/runs?limit=200", None, **TOKEN) for status in ('"queued"', '"running"')
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)
