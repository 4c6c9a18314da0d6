"""The guard's tests import what they share by this folder's path, and hold over every way that leads to a guard."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import routes


@pytest.fixture(params=["inside", "frames", "websocket"])
def route(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the guard is: in the run's process, behind a link of frames, or behind one in a WebSocket."""
    routes.chosen = request.param
    yield request.param
    routes.chosen = "inside"
