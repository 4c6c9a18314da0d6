"""Emulators of clouds that several folders of tests start."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from processes import free_port, server


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with server(argv, port, log=tmp_path_factory.mktemp("moto") / "log"):
        yield f"http://127.0.0.1:{port}"
