"""What was measured on the way: said at the end of the tests, and never asserted."""

from __future__ import annotations

FACTS: list[str] = []


def fact(text: str) -> None:
    """Keeps a line for the end."""
    FACTS.append(text)
