"""The runtime's tests import what they share by this folder's path."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from emulators import moto

__all__ = ["moto"]
