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


@pytest.fixture
def own(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine with a user's own folder for state and passphrase, as it is without any setting."""
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("UNMOOR_DATA", str(engine.folder / "data"))
    monkeypatch.setenv("UNMOOR_CACHE", str(engine.folder / "cache"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return engine
