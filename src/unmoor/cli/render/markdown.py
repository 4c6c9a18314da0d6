"""Text in a cell of a Markdown table."""

from __future__ import annotations


def cell(text: str) -> str:
    """The text on one line, with pipes escaped."""
    return text.replace("|", "\\|").replace("\n", "<br>")


def link(text: str, address: str) -> str:
    """The text in a cell, as a link if it has an address."""
    return f"[{cell(text)}]({address})" if address else cell(text)
