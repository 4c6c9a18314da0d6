"""The names of the code: a class has one meaning, and a function says what it does or what it returns."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = [file for tree in ("src/unmoor", "stacks", "targets") for file in sorted((ROOT / tree).rglob("*.py"))]

# Words that end in -ed and are no past participles.
VERBS = re.compile("embed|exceed|feed|need|proceed|seed|speed")
PARTICIPLE = re.compile(
    "[a-z]+ed|begun|bound|broken|brought|built|done|drawn|found|given|gone|grown|held|hidden|kept|known|left|lost|made|met"
    "|paid|seen|sent|shown|sold|spent|stood|taken|thrown|understood|woken|worn|written"
)
# A participle before a noun describes the noun, as in required_ports; before one of these it is the whole of the name.
PARTICLE = re.compile("after|away|back|by|down|end|for|from|here|in|into|of|off|on|out|over|to|up|with")
# Words of our own for what the field has a word for, and words of speech for data.
DIALECT = re.compile(
    "anew|asks?|asked|came|faults?|fenced?|gave|giver|hears?|heard|heart|insisted|lived|marks?|mood|nobody|nudges?|said"
    "|says?|tell|told|tried|way|whose|whoever"
)


def functions() -> Iterator[tuple[str, str]]:
    """Where each public function is, and its name."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                yield f"{file.relative_to(ROOT)}:{node.lineno}", node.name


def is_misnamed(name: str) -> bool:
    word, *rest = name.split("_")
    participle = PARTICIPLE.fullmatch(word) and not VERBS.fullmatch(word)
    return bool(DIALECT.fullmatch(word) or (participle and (not rest or PARTICLE.fullmatch(rest[0]))))


def test_a_function_begins_with_a_verb_or_names_what_it_returns() -> None:
    assert [f"{place} {name}" for place, name in functions() if is_misnamed(name)] == []


def test_no_public_class_has_a_namesake() -> None:
    """Each target has the same concepts under the same names; outside of targets/ a name is one class."""
    places: dict[str, list[str]] = defaultdict(list)
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.ClassDef)
                and not node.name.startswith("_")
                and ROOT / "targets" not in file.parents
            ):
                places[node.name].append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
