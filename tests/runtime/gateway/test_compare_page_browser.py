"""The page of a comparison in a real browser, with scripts off: it needs none."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from browsers import AXE, DESKTOP, PATIENCE_MS, PHONE, browser
from forked import UNMOOR

pytestmark = pytest.mark.browser
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "02-issue-triage"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("page") / "compared.html"
    command = [*UNMOOR, "compare", str(EXAMPLE), "-t", "aws-ecs"]
    subprocess.run([*command, "-t", "vm-docker", "--html", str(made)], check=True, capture_output=True)
    return made


@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (DESKTOP, True), (PHONE, False)])
def test_it_is_read_without_scripts_asks_for_nothing_and_fits(file: Path, size: tuple[int, int], dark: bool) -> None:
    async def look() -> None:
        async with browser() as started:
            context = await started.new_context(
                viewport={"width": size[0], "height": size[1]},
                color_scheme="dark" if dark else "light",
                java_script_enabled=False,
            )
            page, asked, said = await context.new_page(), list[str](), list[str]()
            page.set_default_timeout(PATIENCE_MS)
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: said.append(message.text))
            await page.goto(file.as_uri())
            await page.get_by_role("heading", name="Cost by runs per month").wait_for()
            for name in ("What each costs a month, by part", "What each costs a month over runs a month"):
                box = await page.get_by_role("img", name=name).bounding_box()
                assert box is not None
                assert box["height"] > 50
            assert await page.get_by_role("row", name="total").first.is_visible()
            assert (asked, said) == ([file.as_uri()], [])
            await context.close()

    asyncio.run(look())


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_and_a_phone_need_not_scroll_sideways(file: Path, dark: bool) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make sets it up where npm is there")

    async def look() -> None:
        async with browser() as started:
            viewport = {"width": PHONE[0], "height": PHONE[1]}
            context = await started.new_context(
                viewport=viewport,  # type: ignore[arg-type]
                color_scheme="dark" if dark else "light",
                bypass_csp=True,
            )
            page = await context.new_page()
            await page.goto(file.as_uri())
            assert await page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
            await page.evaluate(AXE.read_text())
            found = await page.evaluate("axe.run()")
            assert [f"{v['id']}: {n['target']}" for v in found["violations"] for n in v["nodes"]] == []
            await context.close()

    asyncio.run(look())
