"""The readable text of an HTML email."""

from __future__ import annotations

import re
from html.parser import HTMLParser

HIDDEN = ("script", "style", "head", "title", "template")
BREAKS = ("br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "table", "ul", "ol", "pre")


def text_of(html: str) -> str:
    """The text with its line breaks; a link's address follows its text."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self._hidden = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HIDDEN:
            self._hidden += 1
        if tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.text)))
        if tag in BREAKS:
            self.text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in HIDDEN:
            self._hidden = max(self._hidden - 1, 0)
        if tag == "a" and self._links:
            self._name(*self._links.pop())
        if tag in BREAKS:
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text.append(data.replace("\n", " "))

    def _name(self, address: str, since: int) -> None:
        if address.startswith(("http://", "https://")) and address not in "".join(self.text[since:]):
            self.text.append(f" ({address})")
