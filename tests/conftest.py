"""What all tests share: the examples, and one valid spec to vary."""

from __future__ import annotations

import copy
import gc
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

import forked

ROOT = Path(__file__).resolve().parents[1]

# The same examples each time, and no clock: a test that fails fails for everybody.
settings.register_profile("unmoor", database=None, deadline=None, derandomize=True, max_examples=50)


def pytest_configure() -> None:
    settings.load_profile("unmoor")
    # The SDKs are a large heap that never changes; looking through it for garbage would be a sixth of a graph's time.
    gc.set_threshold(200_000, 20, 1000)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Starts the server of forked programs if a selected test needs it, and spares the collector what lasts."""
    if any(forked.is_used_by(module) for module in {item.module for item in session.items}):  # type: ignore[attr-defined]
        forked.start_server()
    gc.collect()
    gc.freeze()  # what is imported by now is never garbage


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden graphs instead of comparing them")


@pytest.fixture
def base_spec() -> dict[str, Any]:
    """A small valid spec as plain values."""
    return copy.deepcopy(BASE)


BASE: dict[str, Any] = {
    "version": 1,
    "name": "agent",
    "harness": {"name": "command", "command": ["cat"]},
}
