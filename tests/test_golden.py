"""The graph of every example on every target, as text that a change shows up in; `make golden` rewrites it."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmoor import __version__
from unmoor.errors import InputError
from unmoor.graph import as_sorted_text
from unmoor.recording.compile import compile_graph
from unmoor.spec.load import load
from unmoor.target.choose import select_target
from unmoor.target.registry import names

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted(p.name for p in (ROOT / "examples").iterdir() if p.is_dir())
HERE = Path(__file__).parent / "golden"


@pytest.mark.slow
@pytest.mark.parametrize("target", names())
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_graph_is_the_golden_one(example: str, target: str, request: pytest.FixtureRequest) -> None:
    text = _text(example, target)
    file = HERE / f"{example}.{target}.txt"
    if request.config.getoption("--update-golden"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, "if the change is meant: make golden"


def _text(example: str, target: str) -> str:
    """The graph, or the refusal; the image's context follows every change of the runtime and is left out."""
    try:
        resources = compile_graph(select_target(load(ROOT / "examples" / example), target))
    except InputError as error:
        return str(error).replace(f"{ROOT}/", "") + "\n"
    return _steady(as_sorted_text(resources))


def _steady(text: str) -> str:
    import re

    text = re.sub(r"\[cache\]/images/([0-9a-f]{32})", "[cache]/images/[context]", text)
    text = re.sub(r"(-amd64-|-arm64-)[0-9a-f]{12}\b", r"\1[context]", text)
    text = re.sub(r'("?hash"? = )"[0-9a-f]{64}"', r'\1"[content]"', text)
    return text.replace(__version__, "[version]").replace(__version__.replace(".", "-"), "[version]")
