"""A picture of a recorded graph as SVG: a box for each service, and arrows for dependencies.

It loads no font or script, has light and dark colors, and its text can be selected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from . import Resource, by_module

ROW, HEAD, PAD, GAP_X, GAP_Y, WIDTH, TOP = 17, 26, 10, 70, 22, 330, 54
LONGEST = 43
STYLE = """
  text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#1b2733}
  .title{font-size:19px;font-weight:600}.sub{fill:#5a6b7b}.head{font-weight:600}.kind{fill:#5a6b7b}
  .box{fill:#f5f8fa;stroke:#b8c6d1}.line{stroke:#8296a8;fill:none;opacity:.55}.page{fill:#fff}
  @media (prefers-color-scheme:dark){text{fill:#e4ebf1}.sub,.kind{fill:#9db0c0}.box{fill:#1c2833;stroke:#41566a}
  .line{stroke:#6d8499}.page{fill:#121a22}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A service's box: its position and its lines."""

    group: str
    x: int
    y: int
    lines: tuple[str, ...]

    @property
    def height(self) -> int:
        return HEAD + ROW * len(self.lines) + PAD


def svg(resources: Sequence[Resource], *, title: str) -> str:
    """The picture of the graph; a box is to the right of those that depend on it, where possible."""
    held = by_module(r for r in resources if r.parent is not None and not r.type.startswith("pulumi:providers"))
    links = _links(held)
    boxes = _place_boxes(held, _columns(held, links))
    width = max(b.x for b in boxes.values()) + WIDTH + GAP_X // 2
    height = max(b.y + b.height for b in boxes.values()) + GAP_Y
    count = sum(len(members) for members in held.values())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>{escape(title)}</title><desc>{count} resources of {len(held)} services and what refers to what</desc>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#8296a8"/></marker></defs>',
        f'<rect class="page" width="{width}" height="{height}"/>',
        f'<text class="title" x="{GAP_X // 2}" y="30">{escape(title)}</text>',
        f'<text class="sub" x="{GAP_X // 2}" y="47">{count} resources</text>',
        *(_arrow(boxes[a], boxes[b]) for a, b in sorted(links)),
        *(_draw(box) for box in boxes.values()),
        "</svg>",
    ]
    return "\n".join(parts)


def _links(held: Mapping[str, Sequence[Resource]]) -> set[tuple[str, str]]:
    """(service, service) where a resource of the first refers to one of the second."""
    group_of = {r.key: group for group, members in held.items() for r in members}
    return {
        (group, group_of[key])
        for group, members in held.items()
        for r in members
        for key in r.depends_on
        if key in group_of and group_of[key] != group
    }


def _columns(held: Mapping[str, Sequence[Resource]], links: set[tuple[str, str]]) -> list[list[str]]:
    """Services by the length of the longest path to them; a cycle is cut."""
    depth: dict[str, int] = {}

    def visit(group: str, seen: frozenset[str]) -> int:
        if group in depth:
            return depth[group]
        before = [visit(a, seen | {group}) + 1 for a, b in links if b == group and a not in seen and a != group]
        level = max(before, default=0)
        if not seen:
            depth[group] = level
        return level

    for group in held:
        visit(group, frozenset())
    columns: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for group in sorted(held, key=lambda g: (-len(held[g]), g)):
        columns[depth[group]].append(group)
    return _join_columns([c for c in columns if c], held)


def _join_columns(columns: list[list[str]], held: Mapping[str, Sequence[Resource]]) -> list[list[str]]:
    """At most four columns, so that the picture is readable: the smallest neighbors are joined."""
    while len(columns) > 4:
        sizes = [sum(len(held[g]) for g in a + b) for a, b in pairwise(columns)]
        least = sizes.index(min(sizes))
        columns[least : least + 2] = [columns[least] + columns[least + 1]]
    return columns


def _place_boxes(held: Mapping[str, Sequence[Resource]], columns: list[list[str]]) -> dict[str, Box]:
    boxes: dict[str, Box] = {}
    for index, column in enumerate(columns):
        y = TOP + 8
        for group in column:
            box = Box(group=group, x=GAP_X // 2 + index * (WIDTH + GAP_X), y=y, lines=_lines(held[group]))
            boxes[group] = box
            y += box.height + GAP_Y
    return boxes


def _lines(members: Sequence[Resource]) -> tuple[str, ...]:
    return tuple(f"{m.kind}\0{m.name}" for m in members)


def _draw(box: Box) -> str:
    rows = [
        f'<rect class="box" x="{box.x}" y="{box.y}" width="{WIDTH}" height="{box.height}" rx="6"/>',
        f'<text class="head" x="{box.x + PAD}" y="{box.y + 18}">{escape(box.group)}</text>',
    ]
    for i, line in enumerate(box.lines):
        kind, _, name = line.partition("\0")
        y = box.y + HEAD + ROW * (i + 1) - 4
        room = LONGEST - len(kind)
        shown = name if len(name) <= room else f"{name[: max(room - 1, 6)]}…"
        rows.append(
            f'<text x="{box.x + PAD}" y="{y}"><tspan class="kind">{escape(kind)}</tspan>  {escape(shown)}</text>'
        )
    return "\n".join(rows)


def _arrow(start: Box, end: Box) -> str:
    right = start.x < end.x
    x1, x2 = (start.x + WIDTH, end.x) if right else (start.x, end.x + WIDTH)
    if start.x == end.x:
        x1 = x2 = start.x + WIDTH
    y1, y2 = start.y + HEAD // 2, end.y + HEAD // 2
    bend = 34 if right or start.x == end.x else -34
    back = bend if start.x == end.x else -bend
    return f'<path class="line" marker-end="url(#tip)" d="M{x1} {y1}C{x1 + bend} {y1} {x2 + back} {y2} {x2} {y2}"/>'
