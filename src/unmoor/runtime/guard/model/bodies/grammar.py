"""Rules for a request's body, and the walk that applies them.

A rule judges one value and returns the values inside it that other rules judge. Names are compared without case and
underscores, because some APIs read `file_uri` and `fileUri` alike, or ignore case.
`null` is the same as an absent member, and any other value is not, however empty.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

HOSTS = "the provider would connect to other hosts for this run"
ACCOUNT = "the provider would read data that is stored in its account, which other runs share"
TOOLS = "the provider would run this tool itself"
UNKNOWN = "the guard does not know it, and it could make the provider connect to other hosts"
# A URL at the start of a text, also as a lenient parser reads one: https://url.spec.whatwg.org/#url-parsing
LOOKS_LIKE_URL = re.compile(r"[\x00-\x20]*(?:[a-z][a-z0-9+.-]*:[/\\]|[/\\]{2}|www\.|(?:https?|ftp|file):)", re.I)
ENDS_OF_URLS = ("url", "urls", "uri", "uris")
ENDS_OF_IDS = ("fileid", "fileids", "containerid", "vectorstoreid", "vectorstoreids", "promptid", "responseid")
MAX_NAME = 60

# A value's place: the place of the value that contains it, and its name or index there.
Place = tuple[Any, str] | None


class UnsafeMember(Exception):
    """A member that the guard does not let through; the text says where it is and why."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(f"{describe_place(place)}: {reason}")


class BodyRule(Protocol):
    """Judges one value."""

    def inner(self, value: Any, place: Place) -> Iterable[Visit]:
        """The values inside it to judge next; UnsafeMember if it must not pass."""
        ...


Visit = tuple[BodyRule, Any, Place]


def find_unsafe_member(rule: BodyRule, body: Any) -> Iterator[str]:
    """The first unsafe member of a body, if any."""
    waiting: deque[Visit] = deque([(rule, body, None)])
    try:
        while waiting:
            rule, value, place = waiting.popleft()
            waiting.extend(rule.inner(value, place))
    except UnsafeMember as unsafe:
        yield str(unsafe)


class FreeValue:
    """Text, numbers, schemas and arguments: the provider only passes them to the model."""

    def inner(self, value: Any, place: Place) -> Iterable[Visit]:
        return ()


@dataclass(frozen=True, slots=True)
class RefusedValue:
    """A member that must not be given."""

    reason: str

    def inner(self, value: Any, place: Place) -> Iterable[Visit]:
        raise UnsafeMember(place, self.reason)


class InlineUrl:
    """A URL that contains its content, alone or in an object."""

    def inner(self, value: Any, place: Place) -> Iterable[Visit]:
        if isinstance(value, Mapping):
            return [(URL_OBJECT, value, place)]
        if not isinstance(value, str) or not value.startswith("data:"):
            raise UnsafeMember(place, HOSTS)
        return ()


class InlineData:
    """Content in base64, alone or as a data URL."""

    def inner(self, value: Any, place: Place) -> Iterable[Visit]:
        if not isinstance(value, str) or (":" in value and not value.startswith("data:")):
            raise UnsafeMember(place, HOSTS)
        return ()


class UnknownValue:
    """A value of unknown meaning: it may contain neither URLs nor ids of stored data."""

    def inner(self, value: Any, place: Place) -> Iterable[Visit]:
        if isinstance(value, str) and not value.startswith("data:") and LOOKS_LIKE_URL.match(value):
            raise UnsafeMember(place, HOSTS)
        if isinstance(value, Mapping):
            return [(_by_name(name), inner, (place, name)) for name, inner in value.items() if inner is not None]
        return [(UNKNOWN_VALUE, inner, (place, "[]")) for inner in value] if isinstance(value, list) else ()


FREE, URL, DATA, UNKNOWN_VALUE = FreeValue(), InlineUrl(), InlineData(), UnknownValue()
NO_HOSTS, NO_ACCOUNT, NO_TOOL, NOT_KNOWN = map(RefusedValue, (HOSTS, ACCOUNT, TOOLS, UNKNOWN))


class ObjectRule:
    """An object with known members; others are judged by `others`."""

    def __init__(self, members: Mapping[str, BodyRule], *, others: BodyRule = UNKNOWN_VALUE) -> None:
        self._members = dict(members)
        self._folded = {fold(name): name for name in members}
        self._others = others

    def inner(self, value: Any, place: Place) -> Iterable[Visit]:
        if not isinstance(value, Mapping):
            raise UnsafeMember(place, f"it is not an object; {UNKNOWN}")
        visits: list[Visit] = []
        seen: set[str] = set()
        for name, inner in value.items():
            known = name if name in self._members else self._folded.get(fold(name))
            key = known or fold(name)
            if key in seen:
                raise UnsafeMember((place, name), "it is given twice, in two spellings")
            seen.add(key)
            rule = self._members[known] if known else _by_name(name, self._others)
            if rule is not FREE and inner is not None:
                visits.append((rule, inner, (place, name)))
        return visits


@dataclass(frozen=True, slots=True)
class KindRule:
    """An object whose `type` decides its rule; `default` is the type of one that has none."""

    kinds: Mapping[str, BodyRule]
    default: str = ""

    def inner(self, value: Any, place: Place) -> Iterable[Visit]:
        if not isinstance(value, Mapping):
            raise UnsafeMember(place, f"it is not an object; {UNKNOWN}")
        kind = value.get("type") or next((v for n, v in value.items() if fold(n) == "type"), None) or self.default
        rule = self.kinds.get(kind) if isinstance(kind, str) else None
        here = (place, f" of type {kind}") if isinstance(kind, str) else place
        if rule is None:
            raise UnsafeMember(here, UNKNOWN)
        return [(rule, value, here if isinstance(rule, RefusedValue) else place)]


class ListRule:
    """A list of objects, one object in its place, or a text if `text` allows it."""

    def __init__(self, item: BodyRule, *, text: bool = False) -> None:
        self.item = item
        self._text = text

    def inner(self, value: Any, place: Place) -> Iterable[Visit]:
        if isinstance(value, Mapping):
            return [(self.item, value, place)]
        if isinstance(value, str) and self._text:
            return ()
        if not isinstance(value, list):
            raise UnsafeMember(place, f"it is not a list; {UNKNOWN}")
        return [(self.item, item, (place, f"[{index}]")) for index, item in enumerate(value)]


def fold(name: str) -> str:
    """A member's name as the most lenient parser compares it."""
    return name.casefold().replace("_", "").replace("-", "")


def members(*names: str) -> dict[str, BodyRule]:
    """Members of these names with free values."""
    return dict.fromkeys(names, FREE)


def describe_place(place: Place) -> str:
    """A place as a path, such as messages[0].content[1]."""
    names: list[str] = []
    while place is not None:
        place, name = place
        names.append(name)
    path = "".join(n if n.startswith(("[", " of type ")) else f".{n}" for n in reversed(names)).lstrip(".")
    printable = "".join(c if c.isprintable() else "?" for c in path)
    return printable if len(printable) <= 3 * MAX_NAME else f"{printable[: 3 * MAX_NAME]}..."


def _by_name(name: str, other: BodyRule = UNKNOWN_VALUE) -> BodyRule:
    """The rule of a member that no table lists."""
    folded = fold(name[-MAX_NAME:])
    if folded.endswith(ENDS_OF_IDS):
        return NO_ACCOUNT
    return URL if other is UNKNOWN_VALUE and folded.endswith(ENDS_OF_URLS) else other


URL_OBJECT = ObjectRule({"url": URL, "file_id": NO_ACCOUNT, **members("detail", "format", "mime_type")})
