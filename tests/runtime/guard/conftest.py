"""The guard's tests import their helpers by this folder's path; `route` runs a test over every route to a guard."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import routes


@pytest.fixture(params=["inside", "link"])
def route(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the guard is: in the run's process, or behind a link."""
    routes.chosen = request.param
    yield request.param
    routes.chosen = "inside"
