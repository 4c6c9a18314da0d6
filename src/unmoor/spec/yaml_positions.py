"""YAML text -> plain values with their positions; every dangerous feature of YAML is a clear problem.

Numbers with a point become Decimal, dates stay text. Anchors, aliases and merge keys are allowed while their expansion
is small; duplicate keys, tabs, tags and several documents are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from unmoor.errors import Problem, SpecError
from unmoor.quantities import quote_truncated

MAX_BYTES = 1024 * 1024
MAX_VALUES = 20_000
MAX_DEPTH = 50
# JSON, which is also YAML, may write a character beyond U+FFFF as two escapes.
PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A line and a column, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document's value, and the position of every path in it (for a member, the position of its key)."""

    value: Any
    positions: Mapping[Path, Position]


def read_yaml(content: bytes, file: str) -> Document:
    """The single document of the text; SpecError if it cannot be read."""
    text = _decoded(content, file)
    node = _composed(text, file)
    if node is None:
        raise _refusal(file, "the file is empty", "write a spec or run unmoor init", Position(line=1, column=1))
    reader = _Reader(file)
    value = reader.read(node, ())
    if reader.problems:
        raise SpecError(reader.problems)
    return Document(value=value, positions=reader.positions)


def _decoded(content: bytes, file: str) -> str:
    if len(content) > MAX_BYTES:
        rule = f"the file has {len(content)} bytes, over the {MAX_BYTES // 1024} KiB of a spec"
        raise _refusal(file, rule, "keep instructions and data in files of their own")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refusal(file, "the file is not UTF-8", "save it as UTF-8", Position(line=line, column=1)) from None


def _composed(text: str, file: str) -> Node | None:
    if match := re.search(r"^[ ]*\t", text, re.MULTILINE):
        line = text.count("\n", 0, match.end()) + 1
        if not _inside_block_text(text, line):
            raise _refusal(file, "a tab indents the line", "indent with spaces", Position(line=line, column=1))
    try:
        return YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position(line=mark.line + 1, column=mark.column + 1) if mark else None
        raise _refusal(file, _plain(error), "correct the YAML there", position) from None
    except ReaderError as error:
        rule = f"it holds the character U+{error.character:04X}, which YAML does not allow"
        raise _refusal(file, rule, "remove it", _position_of_offset(text, error.position)) from None
    except (YAMLError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise _refusal(file, f"not YAML: {reason}", "correct the YAML") from None
    except RecursionError:
        raise _refusal(file, "nested too deeply", f"nest at most {MAX_DEPTH} levels") from None


def _position_of_offset(text: str, offset: int) -> Position:
    before = text[:offset]
    return Position(line=before.count("\n") + 1, column=offset - (before.rfind("\n") + 1) + 1)


def _inside_block_text(text: str, line: int) -> bool:
    """Whether the line belongs to a literal or folded text, where a tab is content; the parser reports other tabs."""
    for earlier in reversed(text.splitlines()[: line - 1]):
        if re.search(r"[|>][+-]?\d?\s*(#.*)?$", earlier):
            return True
        if earlier and not earlier[0].isspace():
            return False
    return False


def _plain(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context or "not YAML").split())
    return f"not YAML: {problem}"


def _refusal(file: str, rule: str, remedy: str, position: Position | None = None) -> SpecError:
    line, column = (position.line, position.column) if position else (0, 0)
    return SpecError([Problem(path="spec", rule=rule, remedy=remedy, file=file, line=line, column=column)])


class _Reader:
    """Converts nodes to values with their positions, counting the values that aliases expand to."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.positions: dict[Path, Position] = {}
        self.problems: list[Problem] = []
        self.count = 0
        self.merging: list[Node] = []

    def read(self, node: Node, path: Path) -> Any:
        self.count += 1
        if self.count > MAX_VALUES:
            raise _refusal(self.file, f"the aliases expand to over {MAX_VALUES} values", "write them out", _start(node))
        if len(path) > MAX_DEPTH:
            raise _refusal(self.file, f"nested deeper than {MAX_DEPTH} levels", "flatten it", _start(node))
        self.positions.setdefault(path, _start(node))
        if not isinstance(node, ScalarNode) and str(node.tag) not in PLAIN_TAGS:
            self.refuse(node, path, f"the tag {node.tag} is not part of a spec", "write a plain value")
            return None
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return self.scalar(node, path)

    def mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        own: set[str] = set()
        for key_node, value_node in self.members(node, path):
            key = str(key_node.value)
            if key in own:
                self.refuse(key_node, (*path, key), "is given twice", "remove one")
                continue
            own.add(key)
            self.positions[(*path, key)] = _start(key_node)
            result[key] = self.read(value_node, (*path, key))
        for merged in self.merge_keys(node, path):
            result = {**merged, **result}
        return result

    def members(self, node: MappingNode, path: Path) -> Iterator[tuple[Node, Node]]:
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if isinstance(key, ScalarNode):
                yield key, value
            else:
                self.refuse(key, path, "a key is a list or a mapping", "write a plain key")

    def merge_keys(self, node: MappingNode, path: Path) -> Iterator[dict[str, Any]]:
        for key, value in node.value:
            if key.tag != "tag:yaml.org,2002:merge":
                continue
            sources = value.value if isinstance(value, SequenceNode) else [value]
            for source in sources:
                if isinstance(source, MappingNode):
                    yield self.mapping_elsewhere(source, path)
                else:
                    self.refuse(key, path, "<< merges a value that is not a mapping", "merge a mapping")

    def mapping_elsewhere(self, node: MappingNode, path: Path) -> dict[str, Any]:
        """A merged mapping; positions of the path's own keys are preserved."""
        if any(node is outer for outer in self.merging):
            self.refuse(node, path, "<< merges a mapping into itself", "merge another mapping")
            return {}
        before = dict(self.positions)
        self.merging.append(node)
        value = self.read(node, path)
        self.merging.pop()
        self.positions.update(before)
        return value if isinstance(value, dict) else {}

    def scalar(self, node: ScalarNode, path: Path) -> Any:
        tag = str(node.tag).removeprefix("tag:yaml.org,2002:")
        if tag in ("str", "timestamp"):
            return self.text(node, path)
        if tag == "null":
            return None
        if tag == "bool":
            return str(node.value).lower() in ("true", "yes", "on")
        try:
            if tag == "int":
                return (
                    int(str(node.value).replace("_", ""), 0)
                    if not re.fullmatch(r"[-+]?0\d+", node.value)
                    else node.value
                )
            if tag == "float":
                return self.number(node, path)
        except ValueError:
            return node.value
        self.refuse(node, path, f"the tag {node.tag} is not part of a spec", "write a plain value")
        return None

    def text(self, node: ScalarNode, path: Path) -> str:
        """The text; a NUL or half a surrogate pair is refused, since arguments, variables and files cannot hold it."""
        text = PAIR.sub(_paired, node.value)
        if found := re.search("[\0\ud800-\udfff]", text):
            self.refuse(node, path, f"the text holds the character U+{ord(found[0]):04X}", "remove it")
        return text

    def number(self, node: ScalarNode, path: Path) -> Decimal | None:
        text = str(node.value).replace("_", "")
        if re.fullmatch(r"[-+]?\.(inf|nan)", text, re.IGNORECASE):
            self.refuse(node, path, f"{node.value} is not a finite number", "write a number")
            return None
        try:
            return Decimal(text)
        except ArithmeticError:
            raise ValueError(text) from None

    def refuse(self, node: Node, path: Path, rule: str, remedy: str) -> None:
        start = _start(node)
        self.problems.append(
            Problem(
                path=path_text(path),
                rule=rule,
                remedy=remedy,
                file=self.file,
                line=start.line,
                column=start.column,
            )
        )


def _paired(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")


def path_text(path: Path) -> str:
    """`triggers[0].webhook.when`; `spec` for the document itself."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", step):
            text += f".{step}" if text else step
        else:
            text += f"[{quote_truncated(step)}]"
    return text or "spec"


def _start(node: Node) -> Position:
    return Position(line=node.start_mark.line + 1, column=node.start_mark.column + 1)
