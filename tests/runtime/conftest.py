"""The runtime's tests import what they share by this folder's path."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from processes import free_port, server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of real programs, servers and signals get a second try: on a machine that others load, one that fails
    twice is broken, and one that fails once is named in the report as run again."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with server(argv, port, log=tmp_path_factory.mktemp("moto") / "log"):
        yield f"http://127.0.0.1:{port}"
