"""The demo: what every target makes of every example, in a few lines each."""

from __future__ import annotations

import sys
from pathlib import Path

from unmoor.compare import Column, compare
from unmoor.registry import names

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Compiles every example for every target and prints what was rounded or refused; 1 if one did not compile."""
    failed = False
    for example in sorted(p for p in (ROOT / "examples").iterdir() if p.is_dir()):
        print(f"\n{example.relative_to(ROOT)}")
        for column in compare(example, None, names()):
            print(f"  {column.target:<22} {_verdict(column)}")
            for line in (*column.refused, *column.rounded):
                print(f"      {line.replace(str(ROOT) + '/', '')}")
            failed |= bool(column.failed)
    print("\nNext: unmoor graph examples/01-hello -t vm-docker, or unmoor init my-agent", flush=True)
    return 1 if failed else 0


def _verdict(column: Column) -> str:
    if column.failed:
        return f"not compiled: {column.failed}"
    return "refused" if column.refused else f"{column.total} resources, {len(column.rounded)} rounded"


if __name__ == "__main__":
    sys.exit(main())
