"""A region that is most likely misspelled: a deployment there would fail, and a bill would only lack its prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from unmoor.errors import Problem

# How far the number of a new region may be above those that are known.
NEWER = 9


def region_problems(region: str, known: Iterable[str], *, path: str) -> Iterator[Problem]:
    """A problem for a region that differs from a known one by a slip.

    A region that differs by its number may be new, and so may one that resembles none: both are accepted.
    """
    if near := near_region(region, sorted(known)):
        yield Problem(path, f"there is no region {region}; did you mean {near}?", f"write {near}, or another region")


def near_region(region: str, known: list[str]) -> str:
    """The known region that was most likely meant; empty if the region is known or may be new."""
    if region in known:
        return ""
    letters, number = _parts(region)
    alike = [_parts(each)[1] for each in known if _parts(each)[0] == letters]
    slips = [each for each in known if _is_slip(_parts(each)[0], letters)]
    if (alike and number <= max(alike) + NEWER) or (not alike and not slips):
        return ""
    near = get_close_matches(region, slips or known, n=1)
    return near[0] if near else ""


def _parts(region: str) -> tuple[str, int]:
    """The name without its number, and the number."""
    letters = region.rstrip("0123456789")
    return letters, int(region[len(letters) :] or 0)


def _is_slip(one: str, other: str) -> bool:
    """Whether one letter is missing, added or another, or two neighbors are swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    return a != b and (a[1:] == b[1:] or a == b[1:] or a[1:] == b or (a[:2] == b[1::-1] and a[2:] == b[2:]))
