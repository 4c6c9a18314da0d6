"""The layout of the code: no two files or folders import each other, and what ships does not import the test suite."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TREES = {"src/unmoor": "unmoor", "stacks": "unmoor.stacks", "targets": "unmoor.targets"}
FILES = {
    ".".join(
        [package, *(part for part in file.relative_to(ROOT / tree).with_suffix("").parts if part != "__init__")]
    ): file
    for tree, package in TREES.items()
    for file in (ROOT / tree).rglob("*.py")
}


def imported(module: str, file: Path) -> Iterator[str]:
    """The modules that a file imports anywhere: at the top, inside functions and for type checkers alone."""
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            base = base if node.level else node.module or ""
            yield from (f"{base}.{alias.name}" if f"{base}.{alias.name}" in FILES else base for alias in node.names)


@functools.cache
def imports() -> dict[str, set[str]]:
    """The modules of ours that each module imports."""
    return {module: {i for i in imported(module, file) if i in FILES} - {module} for module, file in FILES.items()}


PACKAGES = sorted(module for module, file in FILES.items() if file.name == "__init__.py")


def find_circle(arrows: Mapping[str, Iterable[str]]) -> list[str]:
    """One circle of the graph, empty if it has none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def child_of(module: str, package: str) -> str:
    """The file or folder directly below the package that holds the module; empty for the package and for others."""
    return module.removeprefix(f"{package}.").split(".")[0] if module.startswith(f"{package}.") else ""


def test_no_file_imports_itself_by_way_of_others() -> None:
    assert find_circle(imports()) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circle_between_what_a_package_holds(package: str) -> None:
    arrows: dict[str, set[str]] = {}
    for module, names in imports().items():
        if source := child_of(module, package):
            arrows.setdefault(source, set()).update({child_of(n, package) for n in names} - {source, ""})
    assert find_circle(arrows) == []


def test_what_ships_imports_no_test_suite() -> None:
    assert [
        m
        for m, names in imports().items()
        if child_of(m, "unmoor") != "testing" and any(child_of(n, "unmoor") == "testing" for n in names)
    ] == []
