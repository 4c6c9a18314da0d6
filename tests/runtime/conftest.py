"""The runtime's tests import what they share by this folder's path."""

from __future__ import annotations

import contextlib
import copy
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from emulators import moto
from knob_spies import FULL, watch_knob

__all__ = ["moto"]

HERE = Path(__file__).parent
TURNED = os.environ.get("UNMOOR_TURNED_KNOB", "")  # set by test_knobs.py


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that test_knobs.py names with the knobs that they turn."""
    table = next((item.module.KNOBS for item in items if hasattr(item.module, "KNOBS")), {})
    knobs = {test: [knob for knob in table if table[knob] == test] for test in table.values()}
    for item in items:
        if str(item.path).startswith(f"{HERE}{os.sep}"):
            name = f"{item.path.relative_to(HERE).as_posix()}::{item.name}"
            for knob in {*knobs.get(name, ()), *knobs.get(name.split("[")[0], ())}:
                item.add_marker(pytest.mark.knob(knob))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test that is named for a knob makes the runtime read that field."""
    with contextlib.ExitStack() as stack:
        names = [TURNED] if TURNED else [mark.args[0] for mark in pyfuncitem.iter_markers("knob")]
        spies = {name: stack.enter_context(watch_knob(name, turned=bool(TURNED))) for name in names}
        result = yield
    unread = [name for name, spy in spies.items() if not spy.reads]
    assert TURNED or unread == [], f"nothing in this test makes the runtime read {', '.join(unread)}"
    return result


@pytest.fixture
def full_config() -> dict[str, object]:
    """A config.json in which every field has a value."""
    return copy.deepcopy(FULL)
