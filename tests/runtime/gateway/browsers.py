"""A headless browser that looks at a gateway's page."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gateways import TOKEN, Client, gateway
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from processes import TOOLS

UNPACKED = TOOLS / "browser"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
AXE = TOOLS / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP, PHONE = (1280, 800), (360, 740)
# A machine that is busy may take long; nothing waits for this where it is not.
PATIENCE_MS = 30_000


def program() -> tuple[str, dict[str, str]]:
    """The browser's path and the variables that it needs; skips the test, saying so, where there is none."""
    if (UNPACKED / "chromium").exists():
        return str(UNPACKED / "chromium"), {
            "LD_LIBRARY_PATH": str(UNPACKED / "lib"),
            "FONTCONFIG_FILE": str(UNPACKED / "fonts.conf"),
        }
    for name in NAMES:
        if found := shutil.which(name):
            return found, {}
    pytest.skip("no browser is found: make sets one up where npm is there")


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A browser; without a sandbox, since it runs as root on some machines, and sees nothing but our own pages."""
    path, variables = program()
    async with async_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu", "--no-zygote", "--disable-dev-shm-usage"]
        started = await driver.chromium.launch(
            executable_path=path, args=arguments, env={**os.environ, **variables}, timeout=PATIENCE_MS
        )
        try:
            yield started
        finally:
            await started.close()


class Seen:
    """A page, and what went wrong on it."""

    def __init__(self, page: Page, client: Client) -> None:
        self.page, self.client = page, client
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.set_default_timeout(PATIENCE_MS)

    async def sign_in(self, hash: str = "#/runs") -> None:
        """Signs in as `unmoor dev`'s address does, and goes there."""
        await self.page.goto(f"{self.client.url}/#token={TOKEN}")
        await self.page.get_by_role("heading", name="Runs").wait_for()
        if hash != "#/runs":
            await self.page.goto(f"{self.client.url}/{hash}")

    async def rows(self, count: int, *, name: str = "Runs, newest first") -> None:
        """Waits until the table has so many rows."""
        await self.page.wait_for_function(
            "([name, count]) => [...document.querySelectorAll('table')].some((table) => "
            "table.caption?.textContent === name && table.tBodies[0].rows.length === count)",
            arg=[name, count],
        )

    async def entries(self, least: int) -> None:
        """Waits until the log has so many entries."""
        await self.page.wait_for_function("(n) => document.querySelectorAll('.log > li').length >= n", arg=least)

    async def problems(self) -> list[str]:
        """What axe finds, each as its rule and where; contrast and landmarks among it."""
        if not AXE.exists():
            pytest.skip("axe-core is not installed: make sets it up where npm is there")
        await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate(
            "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
        )
        return [
            f"{v['id']}: {node['target']} {node['any'] and node['any'][0]['message']}"
            for v in found["violations"]
            for node in v["nodes"]
        ]


@contextlib.asynccontextmanager
async def looking(
    folder: Path, *, size: tuple[int, int] = DESKTOP, dark: bool = False, **run: Any
) -> AsyncIterator[Seen]:
    """A gateway and a page of it, before anything is on it."""
    async with browser() as started, gateway(folder, **run) as client:
        context = await new_context(started, size=size, dark=dark)
        yield Seen(await context.new_page(), client)
        await context.close()


async def new_context(started: Browser, *, size: tuple[int, int] = DESKTOP, dark: bool = False) -> BrowserContext:
    return await started.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light", accept_downloads=True
    )


async def many_events(client: Client, run: Any, count: int) -> None:
    """Events of a run in one segment."""
    from unmoor.runtime.state import keys

    at = run.created_at.isoformat()
    lines = [json.dumps({"n": n, "at": at, "type": "message", "text": f"line {n}"}) for n in range(1, count + 1)]
    for first in range(0, count, 5000):
        await client.store.put(
            keys.event_segment_key(run.id, first + 1), "\n".join(lines[first : first + 5000]).encode()
        )
