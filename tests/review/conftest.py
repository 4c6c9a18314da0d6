"""What the tests of reviews share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from comment_host import Host


@pytest.fixture
def host() -> Iterator[Host]:
    """An API with no comments yet."""
    found = Host()
    yield found
    found.server.shutdown()
    found.server.server_close()
