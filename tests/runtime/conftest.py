"""The runtime's tests import what they share by this folder's path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from emulators import moto

__all__ = ["moto"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of real programs, servers and signals get a second try: on a machine that others load, one that fails
    twice is broken, and one that fails once is named in the report as run again."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))
