"""How long the money of a comparison takes, in a fresh process and for a curve over runs a month; and what unmoor itself
costs on each target."""

from __future__ import annotations

import statistics
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

from unmoor.compare import WhatIf
from unmoor.cost.compare_targets import compare_bills
from unmoor.cost.comparison import total_text
from unmoor.pricing.usage import Usage
from unmoor.spec.load import load

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "02-issue-triage"
TODAY = date(2026, 11, 25)
RUNS = 7
ONCE = """
import sys, time
from datetime import date
from decimal import Decimal
from pathlib import Path
from unmoor.compare import UNCHANGED
from unmoor.spec.load import load
from unmoor.target.choose import select_target
loaded = load(Path(sys.argv[1]))
for name in loaded.settings:  # what a comparison loads without money too
    select_target(loaded, name).problems()
start = time.perf_counter()
from unmoor.cost.compare_targets import compare_bills
from unmoor.pricing.usage import Usage
money = compare_bills(loaded, list(loaded.settings), [UNCHANGED], usage=Usage(), today=date(2026, 11, 25), free_tier=True)
money.verdict(), money.break_evens()
bills = time.perf_counter()
money.curve([Decimal(n * 10) for n in range(100)])
print(bills - start, time.perf_counter() - bills)
"""


def main() -> None:
    """Prints the median of each, with its goal."""
    command = [sys.executable, "-c", ONCE, str(EXAMPLE)]
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
    print_own_shares()


def print_own_shares() -> None:
    """Prints what guard, store and gateway cost above the same compute bare: 300 runs of 60 minutes at 1 vCPU and 2 GiB,
    without free tiers."""
    usage = Usage(runs=Decimal(300), minutes=Decimal(60))
    size = WhatIf(label="", changes={"resources.cpu": 1, "resources.memory": "2Gi"})
    loaded = load(EXAMPLE, "default")
    bills = compare_bills(loaded, list(loaded.settings), [size], usage=usage, today=TODAY, free_tier=False).bills
    for bill in bills:
        share = bill.own_share(usage)
        if share is None:
            print(f"{bill.target + ', own share':<48} unknown: its runs are not billed by the second")
            continue
        parts = {name: (part, share.ratio(part)) for name, part in (*share.parts(), ("in all", share.total))}
        texts = [
            f"{name} {total_text(part)}" + ("" if of is None else f" ({of * 100:.1f} %)")
            for name, (part, of) in parts.items()
        ]
        print(f"{bill.target + ', own share a month':<48} bare {total_text(share.bare)}, {', '.join(texts)}")


if __name__ == "__main__":
    main()
