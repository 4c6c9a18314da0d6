"""The demo: what every target makes of every example, and what it would cost a month, in a few lines each."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from unmoor.compare import UNCHANGED, TargetColumn, compare
from unmoor.cost.compare_targets import compare_bills
from unmoor.cost.comparison import Bill, total_text
from unmoor.pricing.usage import Usage
from unmoor.spec.load import load
from unmoor.target.registry import names

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Compiles every example for every target and prints what was adjusted or refused; 1 if one did not compile."""
    failed = False
    for example in sorted(p for p in (ROOT / "examples").iterdir() if p.is_dir()):
        print(f"\n{example.relative_to(ROOT)}")
        money = compare_bills(
            load(example), names(), [UNCHANGED], usage=Usage(), today=datetime.now(UTC).date(), free_tier=True
        )
        for column, bill in zip(compare(example, None, names()), money.bills, strict=True):
            print(f"  {column.target:<22} {_verdict(column)}{_cost(bill)}")
            for line in (*column.refused, *column.rounded):
                print(f"      {line.replace(str(ROOT) + '/', '')}")
            failed |= bool(column.failed)
    print("\nNext: unmoor graph examples/01-hello -t vm-docker, or unmoor init my-agent", flush=True)
    return 1 if failed else 0


def _verdict(column: TargetColumn) -> str:
    if column.failed:
        return f"not compiled: {column.failed}"
    return "refused" if column.refused else f"{column.total} resources, {len(column.rounded)} adjusted"


def _cost(bill: Bill) -> str:
    return f", {total_text(bill.total())} a month" if bill.is_priced else ""


if __name__ == "__main__":
    sys.exit(main())
