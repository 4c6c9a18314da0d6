"""The page's files as they are served: open to all, the same for all, and able to do little."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest
from gateways import TOKEN, Client, gateway
from test_api import within

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
FILES = resources.files("unmoor.runtime.gateway.page")
NAMES = sorted(f.name for f in FILES.iterdir() if not f.name.startswith("_"))


def test_the_page_and_its_files_are_served_without_a_token_and_hold_nothing_of_the_agent(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        page = await client.get("/", token=None)
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        for name in NAMES:
            assert (await client.get(f"/page/{name}", token=None)).body == (FILES / name).read_bytes()
            assert TOKEN.encode() not in (FILES / name).read_bytes()

    within(tmp_path, act)


def test_what_the_page_may_do_is_said_with_every_file_of_it(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        for path in ("/", *(f"/page/{name}" for name in NAMES)):
            headers = (await client.get(path, token=None)).headers
            assert headers["content-security-policy"] == POLICY
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["x-frame-options"] == "DENY"
            assert headers["cache-control"] == "no-cache"

    within(tmp_path, act)


def test_a_file_that_a_browser_has_is_not_sent_again(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        for path in ("/", "/page/main.js"):
            tag = (await client.get(path, token=None)).headers["etag"]
            for shown in (tag, f"W/{tag}", f'"other", {tag}', "*"):
                again = await client.get(path, token=None, headers={"if-none-match": shown})
                assert (again.status, again.body) == (304, b"")
            assert (await client.get(path, token=None, headers={"if-none-match": '"other"'})).status == 200

    within(tmp_path, act)


@pytest.mark.parametrize("name", ["nothing.js", "__init__.py", "..%2fapi.py", "%2e%2e/api.py", "", "main.js/"])
def test_only_the_pages_own_files_are_served(tmp_path: Path, name: str) -> None:
    async def act(client: Client) -> None:
        assert (await client.get(f"/page/{name}")).status == 404

    within(tmp_path, act)


def test_the_page_loads_no_file_but_its_own_and_has_nothing_inline() -> None:
    page = (FILES / "index.html").read_text()
    for name in re.findall(r'(?:src|href)="([^"#]+)"', page):
        assert name.removeprefix("page/") in NAMES
    assert not re.search(r"<style|<script(?![^>]*src=)|\son[a-z]+=|style=", page)
    for name in NAMES:
        text = (FILES / name).read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text), name
        for module in re.findall(r'from "([^"]+)"', text):
            assert module.removeprefix("./") in NAMES


def test_the_token_is_compared_on_every_other_path(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            for path in ("/page", "/pages/x", "//", "/index.html", "/page/../runs"):
                answer = await client.raw(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                assert answer.startswith((b"HTTP/1.1 401", b"HTTP/1.1 404")), path

    asyncio.run(act())


# Elements as the page makes them, with just what it uses of a document.
DOCUMENT = """
globalThis.Node = class { constructor() { this.named = {}; this.nodes = []; }
  setAttribute(name, value) { this.named[name] = value; } append(...nodes) { this.nodes.push(...nodes); } };
globalThis.document = { createElement: () => new Node() };
const { el, setText } = await import(process.argv[1]);
const name = JSON.parse(process.argv[2]);
const made = el("a", { title: name, download: name }, name, el("b"), 1);
const texts = {}; setText(texts, name);
console.log(JSON.stringify([made.named, [made.nodes[0], made.nodes[2]], texts.textContent]));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node, which runs the page's files")
def test_a_name_from_outside_hides_nothing_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "dom.mjs").write_bytes((FILES / "dom.js").read_bytes())
    name = "\u3164a\u202egpj.exe\x9b\u2028\x00 é\u200d\U000e0041\n"
    shown = "\\u3164a\\u202egpj.exe\\u009b\\u2028\\u0000 é\u200d\\udb40\\udc41\n"
    command = ["node", "--input-type=module", "-e", DOCUMENT, (tmp_path / "dom.mjs").as_uri(), json.dumps(name)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [{"title": shown, "download": name}, [shown, "1"], shown]
