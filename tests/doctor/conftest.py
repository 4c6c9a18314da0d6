"""The doctor's tests share a server of other tests by its folder's path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "operate"))
sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))

from emulators import moto

__all__ = ["moto"]
