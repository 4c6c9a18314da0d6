"""Writes the generated pages of the docs; with --check, exits 1 and names every page that differs."""

from __future__ import annotations

import sys
from pathlib import Path

from docs_cli import cli_page
from docs_deployer import deployer_files
from docs_harnesses import harness_pages
from docs_prices import cost_page, prices_page
from docs_spec import spec_page
from docs_targets import own_targets, target_page

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    """0 when the pages are written, or are as they should be; 1 where one differs; 2 for another argument."""
    if arguments not in ([], ["--check"]):
        print(f"docs.py: {' '.join(arguments)} is no argument; write --check, or nothing", file=sys.stderr)
        return 2
    stale = [(path, text) for path, text in pages().items() if not _holds(path, text)]
    for path, text in stale:
        if arguments:
            print(f"{path.relative_to(ROOT)}: differs from its source; run python scripts/docs.py", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if stale and arguments else 0


def pages() -> dict[Path, str]:
    """Every generated page, by its place."""
    docs = ROOT / "docs"
    return {
        docs / "reference" / "spec.md": spec_page(),
        docs / "reference" / "cli.md": cli_page(),
        docs / "reference" / "prices.md": prices_page(),
        docs / "cost.md": cost_page(docs / "cost.md", ROOT / "examples"),
        **deployer_files(docs / "deployers", ROOT / "examples"),
        **harness_pages(docs / "harnesses"),
        **{docs / "targets" / f"{name}.md": target_page(name, ROOT / "examples") for name in own_targets()},
    }


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
