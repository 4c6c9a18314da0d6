"""The tests of operating share the gateways and senders of the runtime's tests, by their folders' paths."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNTIME = HERE.parent / "runtime"
for folder in (HERE, RUNTIME, RUNTIME / "gateway"):
    sys.path.insert(0, str(folder))
