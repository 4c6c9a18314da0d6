"""How long the money of a comparison takes: in a fresh process, and for a curve over runs a month."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = 7
ONCE = """
import sys, time
from datetime import date
from decimal import Decimal
from pathlib import Path
from unmoor.compare import UNCHANGED
from unmoor.spec.load import load
from unmoor.target.choose import choose
loaded = load(Path(sys.argv[1]))
for name in loaded.settings:  # what a comparison loads without money too
    choose(loaded, name).problems()
start = time.perf_counter()
from unmoor.cost.compare_targets import comparison
from unmoor.pricing.usage import Usage
money = comparison(loaded, list(loaded.settings), [UNCHANGED], usage=Usage(), today=date(2026, 11, 25), free_tier=True)
money.verdict(), money.break_evens()
bills = time.perf_counter()
money.curve([Decimal(n * 10) for n in range(100)])
print(bills - start, time.perf_counter() - bills)
"""


def main() -> None:
    """Prints the median of each, with its goal."""
    command = [sys.executable, "-c", ONCE, str(ROOT / "examples" / "02-issue-triage")]
    took = [
        [float(part) for part in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]
        for _ in range(RUNS)
    ]
    for title, times in zip(
        ("four bills (goal 150 ms)", "a curve of 100 (goal 300 ms)"), zip(*took, strict=True), strict=True
    ):
        print(
            f"{title:<48} {statistics.median(times) * 1000:.0f} ms [{min(times) * 1000:.0f} to {max(times) * 1000:.0f}]"
        )


if __name__ == "__main__":
    main()
