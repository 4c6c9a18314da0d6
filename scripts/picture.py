"""The README's picture: one spec on four targets, drawn from what the comparison says of the second example."""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

from unmoor.compare import TargetColumn, compare

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ("aws-ecs", "azure-container-apps", "gcp-cloud-run", "vm-docker")
SHOWN = ("gateway", "run", "guard", "secrets", "store", "logs")
SPEC = (
    "name: issue-triage",
    "harness: {name: claude-code}",
    "model: {provider: anthropic, …}",
    "triggers:",
    "  - webhook: {verify: github, …}",
    "run: {max_cost_usd: 2.0}",
    "network: {egress: [github.com]}",
)
STYLE = """
  text{font:13px ui-sans-serif,system-ui,sans-serif;fill:#1b2733}.mono{font:12.5px ui-monospace,monospace}
  .head{font-weight:600;font-size:15px}.part{fill:#5a6b7b}.box{fill:#f5f8fa;stroke:#b8c6d1}
  .spec{fill:#eef4ff;stroke:#9db6e0}
  .line{stroke:#8296a8;fill:none;stroke-width:1.5}.page{fill:#fff}
  @media (prefers-color-scheme:dark){text{fill:#e4ebf1}.part{fill:#9db0c0}.box{fill:#1c2833;stroke:#41566a}
  .spec{fill:#1b2740;stroke:#4a648f}.page{fill:#121a22}}
"""
LEFT, BOX_WIDTH, BOX_HEIGHT, GAP, TOP = 340, 590, 148, 14, 14


def main() -> None:
    """Writes docs/images/four-targets.svg; with --check, exits with 1 if it is out of date."""
    columns = compare(ROOT / "examples" / "02-issue-triage", None, TARGETS)
    target = ROOT / "docs" / "images" / "four-targets.svg"
    if sys.argv[1:] == ["--check"]:
        if target.read_text(encoding="utf-8") != picture(columns):
            sys.exit(f"{target.relative_to(ROOT)} is out of date; run make docs")
        return
    target.write_text(picture(columns), encoding="utf-8")
    print(f"wrote {target.relative_to(ROOT)}")


def picture(columns: tuple[TargetColumn, ...]) -> str:
    """The picture as SVG text."""
    width, height = LEFT + BOX_WIDTH + 14, TOP * 2 + len(columns) * (BOX_HEIGHT + GAP) - GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            "<title>One spec on four targets</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{width}" height="{height}"/>',
            *_spec(height),
            *(line for i, column in enumerate(columns) for line in _target(column, i, height)),
            "</svg>\n",
        ]
    )


def _spec(height: int) -> list[str]:
    top = height // 2 - 90
    lines = [f'<rect class="spec" x="14" y="{top}" width="262" height="180" rx="8"/>']
    lines.append(f'<text class="head" x="28" y="{top + 26}">unmoor.yaml</text>')
    for i, text in enumerate(SPEC):
        lines.append(f'<text class="mono" xml:space="preserve" x="28" y="{top + 50 + i * 18}">{escape(text)}</text>')
    return lines


def _target(column: TargetColumn, index: int, height: int) -> list[str]:
    top = TOP + index * (BOX_HEIGHT + GAP)
    middle, parts = top + BOX_HEIGHT // 2, dict(column.parts)
    lines = [
        f'<path class="line" d="M276 {height // 2}C310 {height // 2} 306 {middle} {LEFT} {middle}"/>',
        f'<rect class="box" x="{LEFT}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"/>',
        f'<text class="head" x="{LEFT + 14}" y="{top + 25}">{column.target}</text>',
        f'<text class="part" x="{LEFT + BOX_WIDTH - 14}" y="{top + 25}" text-anchor="end">'
        f"{column.total} resources</text>",
    ]
    for i, part in enumerate(SHOWN):
        y = top + 46 + i * 17
        lines.append(f'<text class="part" x="{LEFT + 14}" y="{y}">{part}</text>')
        lines.append(f'<text x="{LEFT + 90}" y="{y}">{escape(parts[part])}</text>')
    return lines


if __name__ == "__main__":
    main()
