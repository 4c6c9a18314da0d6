"""Requests at a steady rate from a process of its own, timed from when each was due: `load.py URL RATE SECONDS`.

The headers and the body's beginning come as JSON on standard input. Prints JSON: milliseconds of each answer, the ids
that were answered, and how often a request had to be sent again because nobody answered.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 60


@dataclass
class Load:
    """What is sent: to where, with which headers; `secret` signs as GitHub does."""

    host: str
    port: int
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    secret: str
    took_ms: list[float] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    again: int = 0
    refused: list[int] = field(default_factory=list)
    free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def run(self, rate: int, seconds: int) -> None:
        began = time.perf_counter()
        tasks: list[asyncio.Task[None]] = []
        for number in range(rate * seconds):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(self.send(number, due)))
        await asyncio.gather(*tasks)

    async def send(self, number: int, due: float) -> None:
        request = self.request(number)
        while True:
            try:
                status, body = await self.exchange(request)
                break
            except (OSError, EOFError, ValueError):
                self.again += 1
                await asyncio.sleep(0.2)
                assert time.perf_counter() - due < PATIENCE_S, "nobody answers"
        self.took_ms.append((time.perf_counter() - due) * 1000)
        if status in (200, 202):
            self.ids.append(json.loads(body)["id"] if body.startswith(b"{") else "")
        else:
            self.refused.append(status)

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        reader, writer = self.free.pop() if self.free else await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").lower().split("\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
            body = await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        self.free.append((reader, writer))
        return int(lines[0].split()[1]), body

    def request(self, number: int) -> bytes:
        body = json.dumps({**self.body, **({"number": number} if self.secret else {})}).encode()
        headers = dict(self.headers)
        if self.secret:
            digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
            headers |= {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Delivery": f"delivery-{number}"}
        named = {"Host": f"{self.host}:{self.port}", "Content-Type": "application/json", **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        return f"POST {self.path} HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def main() -> None:
    url, rate, seconds = urlsplit(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    given = json.load(sys.stdin)
    load = Load(host=str(url.hostname), port=int(url.port or 80), path=url.path, **given)
    asyncio.run(load.run(rate, seconds))
    print(json.dumps({"ms": load.took_ms, "ids": load.ids, "again": load.again, "refused": load.refused}))


if __name__ == "__main__":
    main()
