"""Tests with the real engine: marker `engine`; they skip, saying so, where there is none."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from real_engine import Engine, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.engine)
            # A failed deploy leaves a coroutine of the SDK's behind, which says so when it is collected.
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine with an empty backend and an empty cloud, which keeps its state after each step if the module says so."""
    with running(tmp_path, checkpoints=getattr(request.module, "CHECKPOINTS", False)) as engine:
        yield engine
    gc.collect()  # what it left behind is not another test's
