"""Takes the screenshots of the docs: a run on the gateway's page, and the page of a comparison.

The pages are real; the run is a record and events that this script writes into the gateway's store. The browser is the
one that `make test` installs.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser

from unmoor.runtime.state import keys

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
EXAMPLE = ROOT / "examples" / "02-issue-triage"
UNMOOR = [sys.executable, "-c", "from unmoor.cli import main; main()"]
SPEC = "version: 1\nname: issue-triage\nharness: {name: command, command: [cat]}\n"
RUN_ID = "run-ybqbxe7bp-2jrypnx"
MODEL = "claude-sonnet-5"
SANDBOX = "enforced by landlock+seccomp"
RUN = {
    **{"id": RUN_ID, "agent": "issue-triage", "environment": "default", "bundle": "b" * 64, "status": "succeeded"},
    "trigger": {"name": "github", "kind": "webhook"},
    "prompt": "Triage issue https://github.com/example/project/issues/4812",
    "session": "4812",
    "harness": {"name": "claude-code", "version": "2.1.330"},
    "model": {"provider": "anthropic", "name": MODEL},
    **{"created_at": "2026-11-27T09:30:00Z", "started_at": "2026-11-27T09:30:01Z", "ended_at": "2026-11-27T09:31:34Z"},
    **{"delivery": "", "attempt": 1, "reason": "", "confinement": SANDBOX, "cost_usd": "0.1946", "inputs": []},
    "answer": "Labeled `bug` and `area/auth`, and asked for the proxy's version. Probably a duplicate of #4533.",
    "usage": {"input": 48210, "cached_input": 0, "cache_write": 0, "output": 2107, "reasoning": 0, "requests": 2},
    "artifacts": [{"path": "out/report.html", "size_bytes": 18201, "sha256": "0" * 64}],
    "lease": None,
}
COMMAND = {"command": 'rg -n "X-Forwarded-Proto" src', "description": "Look for the header"}
EVENTS = (
    {"type": "run.started", "harness": "claude-code", "version": "2.1.330", "model": MODEL, "session": ""},
    {"type": "message", "text": "I will read the issue first, then look for similar ones."},
    {"type": "tool.call", "id": "1", "name": "mcp__github__get_issue", "input": '{"repo":"project","number":4812}'},
    {"type": "tool.result", "id": "1", "output": "Login fails behind a proxy", "is_error": False},
    {"type": "tool.call", "id": "2", "name": "Bash", "input": json.dumps(COMMAND)},
    {"type": "tool.result", "id": "2", "output": 'src/session.py:88:  request.headers["X-Forwarded-Proto"]'},
    {"type": "network.refused", "destination": "packages.example.com:443", "reason": "not in network.egress"},
    {"type": "run.finished", "status": "succeeded", "reason": "", "cost_usd": "0.1946", "artifacts": []},
)


async def main() -> None:
    """Writes docs/images/page-run.png and docs/images/compare-page.png."""
    sys.path[:0] = [str(ROOT / "tests" / "runtime"), str(ROOT / "tests" / "runtime" / "gateway")]
    from browsers import browser  # pyright: ignore[reportMissingImports]

    with tempfile.TemporaryDirectory() as folder:
        async with browser() as started:
            await _picture_a_run(started, Path(folder))
            await _picture_a_comparison(started, Path(folder) / "compared.html")


async def _picture_a_run(browser: Browser, folder: Path) -> None:
    (folder / "unmoor.yaml").write_text(SPEC)
    events = [
        {"confinement": SANDBOX, **event, "n": n, "at": f"2026-11-27T09:30:{1 + 7 * n:02}Z"}
        for n, event in enumerate(EVENTS, 1)
    ]
    for key, text in (
        (keys.run_record_key(RUN_ID), json.dumps(RUN)),
        (keys.event_segment_key(RUN_ID, 1), "".join(f"{json.dumps(event)}\n" for event in events)),
    ):
        (folder / "store" / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / "store" / key).write_text(text)
    command = [*UNMOOR, "dev", str(folder), "--port", "0", "--store", (folder / "store").as_uri()]
    gateway = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert gateway.stdout is not None
        address = next(found[0] for line in gateway.stdout if (found := re.search(r"http://\S+#token=[\w-]+", line)))
        page = await browser.new_page(viewport={"width": 1000, "height": 720}, timezone_id="UTC")
        await page.goto(address)
        await page.get_by_role("heading", name="Runs").wait_for()
        await page.goto(f"{address.partition('#')[0]}#/runs/{RUN_ID}")
        await page.locator(".log details summary").nth(1).click()
        await page.screenshot(path=IMAGES / "page-run.png")
    finally:
        gateway.terminate()
        gateway.wait()


async def _picture_a_comparison(browser: Browser, file: Path) -> None:
    subprocess.run([*UNMOOR, "compare", str(EXAMPLE), "--runs", "200/month", "--html", str(file)], check=True)
    page = await browser.new_page(viewport={"width": 1000, "height": 1460})
    await page.goto(file.as_uri())
    await page.screenshot(path=IMAGES / "compare-page.png")


if __name__ == "__main__":
    asyncio.run(main())
