"""Webhooks of every scheme with headers and bodies that no sender sends: each is answered, and none is a fault."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import senders
from gateways import Client, gateway
from senders import KEY, SECRET

SIGNERS: dict[str, tuple[str, Any, str]] = {
    "github": ("github", senders.github, SECRET),
    "gitlab": ("gitlab", senders.gitlab, SECRET),
    "slack": ("slack", senders.slack, SECRET),
    "stripe": ("stripe", senders.stripe, SECRET),
    "standard": ("standard-webhooks", senders.standard, KEY),
    "bearer": ("bearer", senders.bearer, SECRET),
}
NAMES = [
    "X-Hub-Signature-256",
    "X-GitHub-Event",
    "X-GitHub-Delivery",
    "X-Slack-Signature",
    "X-Slack-Request-Timestamp",
    "webhook-id",
    "Stripe-Signature",
    "webhook-timestamp",
    "webhook-signature",
    "svix-signature",
    "svix-id",
    "svix-timestamp",
    "Authorization",
    "Content-Type",
    "Content-Encoding",
    "Idempotency-Key",
    "X-Gitlab-Token",
    "X-Gitlab-Event-UUID",
    "X-Sig",
    "X-At",
]
VALUES = ["", "x", "t=1,v1=", "v1,", "sha256=", "=,=", ",,,", "application/json", "text/plain; charset=idna", "é" * 40]
VALUES += ["application/x-www-form-urlencoded; charset=utf-16", 'a/b; charset="', "multipart/form-data; boundary=x"]
VALUES += [
    "9" * 50,
    "1e5",
    "0",
    "-1",
    "2026-01-01T00:00:00+99:99",
    "9" * 16,
    "Bearer",
    "Bearer \xff",
    "a" * 3000,
    "gzip",
]
BODIES = [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"a=%ff&b", b"payload=%7B", b'{"a": NaN}', b"{" * 2000, b"\0" * 100]
BODIES += [
    b'{"type": "url_verification", "challenge": {"a": 1}}',
    b'{"type": "url_verification", "challenge": "\\ud800"}',
]
BODIES += [b'{"event_id": "\\ud800"}', b'{"id": 1}', b'{"id": "' + b"x" * 5000 + b'"}', b'{"a":' * 3000]
ANSWERS = {"200", "202", "400", "401", "415"}


def triggers() -> list[dict[str, Any]]:
    prompt = "{{ event }} {{ event.a.b[0] }} {{ event[3].x }}"
    hmac = {
        "scheme": "hmac",
        "secret": "hook",
        "header": "X-Sig",
        "encoding": "base64",
        "timestamp": {"header": "X-At"},
    }
    verified = {
        name: {"scheme": scheme, "secret": "key" if secret == KEY else "hook"}
        for name, (scheme, _, secret) in SIGNERS.items()
    }
    hooks: dict[str, Any] = {**verified, "hmac": hmac, "open": "none"}
    when = {"body.a[0].b": 1, "header.X-At": "q"}
    return [
        {"name": name, "prompt": prompt, "webhook": {"verify": how, **({"when": when} if name == "gitlab" else {})}}
        for name, how in hooks.items()
    ]


def odd(chance: random.Random) -> tuple[str, dict[str, str], bytes]:
    """A request: to which webhook, often signed as it should be, with up to two headers that are odd."""
    name, body = chance.choice([*SIGNERS, "hmac", "open"]), chance.choice(BODIES)
    headers: dict[str, str] = {}
    if name in SIGNERS and chance.random() < 0.7 and body.isascii():
        _, sign, secret = SIGNERS[name]
        headers = sign(body, secret=secret)
    for _ in range(chance.randrange(3)):
        headers[chance.choice(NAMES)] = chance.choice(VALUES)
    return name, headers, body


async def answered(client: Client, name: str, headers: dict[str, str], body: bytes, encoding: str) -> str:
    head = f"POST /hooks/{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{key}: {value}\r\n" for key, value in headers.items()) + "\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(client.url.rsplit(":", 1)[1]))
    writer.write(head.encode(encoding) + body)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer[9:12].decode()


def test_every_odd_request_is_answered_and_none_is_a_fault(tmp_path: Path) -> None:
    chance = random.Random(7)
    secrets = {"hook": SECRET, "key": KEY}

    async def act() -> None:
        async with gateway(tmp_path, triggers=triggers(), secrets=secrets, session="{{ event.issue }}") as client:
            for _ in range(400):
                name, headers, body = odd(chance)
                status = await answered(client, name, headers, body, chance.choice(["utf-8", "latin-1"]))
                assert status in ANSWERS, (status, name, headers, body[:80])
            assert (await client.get("/deliveries?limit=200")).status == 200
            assert [line for line in client.logged if line[1].get("level") == "error"] == []

    asyncio.run(act())
