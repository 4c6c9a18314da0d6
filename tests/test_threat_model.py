"""Each promise of the docs names the tests that attack it, in docs/threat-model.md.

On a page, `<!-- promises -->` marks a table, a list or a paragraph of promises. A table's promises are the cells of its
first column, or of the column `rule`; a list's are the bold beginnings of its items, or else the items; a paragraph's
is its first sentence.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "docs" / "threat-model.md"
MARKER = "<!-- promises -->"
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Pages that make promises, and how many marked blocks each has at least.
MARKED = {
    "README.md": 1,
    "SECURITY.md": 1,
    "docs/guard.md": 4,
    "docs/http-api.md": 2,
    "docs/page.md": 1,
    "docs/sandbox.md": 2,
}
MARKED |= {"docs/store.md": 2, "docs/triggers.md": 8}
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
TEST = re.compile(r"`([\w/.]+\.py)::(\w+)`")


def plain(text: str) -> str:
    """The words of a promise, without links, emphasis and line breaks."""
    return " ".join(LINK.sub(r"\1", text).replace("**", "").split())


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def blocks(text: str) -> list[str]:
    """Each marked table, list or paragraph."""
    return [part.strip().split("\n\n", 1)[0] for part in text.split(MARKER)[1:]]


def promises(block: str) -> list[str]:
    lines = block.splitlines()
    if lines[0].startswith("|"):
        head = cells(lines[0])
        column = head.index("rule") if "rule" in head else 0
        return [plain(cells(line)[column]) for line in lines[2:]]
    if lines[0].startswith("- "):
        items = re.split(r"^- ", block, flags=re.MULTILINE)[1:]
        bold = [re.match(r"\*\*(.+?)\*\*", item, re.DOTALL) for item in items]
        return [plain(found[1] if found else item) for found, item in zip(bold, items, strict=True)]
    return [re.split(r"(?<=\.) ", plain(block), maxsplit=1)[0]]


def rows(text: str) -> Iterator[list[str]]:
    """The rows of the model's tables of promises."""
    for table in re.findall(r"^\| promise \|.*\n\|[-| ]+\n((?:\|.*\n)+)", text, re.MULTILINE):
        yield from (cells(line) for line in table.splitlines())


@cache
def read_test_names(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def problems(pages: dict[str, str], model: str) -> list[str]:
    """What the model lacks for these pages, and what it has for none of them."""
    made = {p: page for page, text in pages.items() for block in blocks(text) for p in promises(block)}
    attacked = {plain(row[0]): row for row in rows(model)}
    found = [f"{page}: no row in the threat model for: {p}" for p, page in made.items() if p not in attacked]
    for promise, row in attacked.items():
        tests = TEST.findall(row[1])
        found += [] if promise in made else [f"no page makes this promise: {promise}"]
        found += [] if tests else [f"no test attacks: {promise}"]
        found += [f"no such test: {p}::{name}" for p, name in tests if name not in names_in(p)]
    return found


def names_in(path: str) -> frozenset[str]:
    return read_test_names(ROOT / path) if (ROOT / path).is_file() else frozenset()


def test_every_promise_names_a_test_that_attacks_it() -> None:
    pages = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
    assert problems(pages, MODEL.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", MARKED)
def test_the_promises_of_a_page_are_marked(page: str) -> None:
    found = blocks((ROOT / page).read_text(encoding="utf-8"))
    assert len(found) >= MARKED[page]
    assert all(promises(block) for block in found)


PAGE = {"a.md": f"{MARKER}\n\n| promise | limit |\n|---|---|\n| **It** holds [so](b.md). | none |\n\nMore.\n"}
ROW = "| promise | attacked by | not held |\n|---|---|---|\n| {} | {} | |\n"
REAL = "`tests/test_threat_model.py::test_every_promise_names_a_test_that_attacks_it`"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (ROW.format("It holds so.", REAL), []),
        ("", ["a.md: no row in the threat model for: It holds so."]),
        (ROW.format("It holds so.", "nobody"), ["no test attacks: It holds so."]),
        (ROW.format("It holds so.", "`tests/none.py::test_x`"), ["no such test: tests/none.py::test_x"]),
        (
            ROW.format("It holds so.", "`tests/test_threat_model.py::test_gone`"),
            ["no such test: tests/test_threat_model.py::test_gone"],
        ),
    ],
)
def test_a_promise_without_a_test_is_found(model: str, said: list[str]) -> None:
    assert problems(PAGE, model) == said


def test_a_list_and_a_paragraph_make_promises_too() -> None:
    assert promises("- **Bold.** More.\n- All of\n  it.") == ["Bold.", "All of it."]
    assert promises("The first\nsentence. The second.") == ["The first sentence."]
