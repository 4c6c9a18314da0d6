"""What the runtime imports is in its image."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from unmoor.runtime.harness.packages import NODE_VERSION

SOURCE = Path(__file__).resolve().parents[2] / "src" / "unmoor"
# Read as data by name, and not imported: Python's own zones are the machine's, where it has any.
UNIMPORTED = {"tzdata"}


def test_every_library_that_the_runtime_imports_is_in_the_images_requirements() -> None:
    pinned = {normal(line.split("==")[0]) for line in requirements() if "==" in line}
    distributions = packages_distributions()
    wanted = {normal(name) for module in foreign_imports() for name in distributions.get(module, [module])[:1]}
    assert wanted | UNIMPORTED <= pinned


def requirements() -> list[str]:
    return (SOURCE / "runtime" / "requirements.txt").read_text().splitlines()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def foreign_imports() -> set[str]:
    """The top-level names of others' modules in whatever the runtime's programs may come to import."""
    waiting, seen, found = list((SOURCE / "runtime").rglob("*.py")), set[Path](), set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for module in imported(path):
            if module.split(".")[0] == "unmoor":
                waiting += [file for file in files_of(module) if file.exists()]
            elif module.split(".")[0] not in sys.stdlib_module_names:
                found.add(module.split(".")[0])
    return found - {"__future__"}


def imported(path: Path) -> Iterator[str]:
    """Absolute imports, but for those of types alone."""
    tree = ast.parse(path.read_text())
    for_types = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    left_out = {id(inner) for node in for_types for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            if node.module == "unmoor":
                yield from (f"unmoor.{alias.name}" for alias in node.names)


def files_of(module: str) -> list[Path]:
    place = SOURCE.joinpath(*module.split(".")[1:])
    return [place.with_suffix(".py"), place / "__init__.py"]


def test_the_image_has_the_node_that_dev_installs() -> None:
    dockerfile = (SOURCE / "runtime" / "Dockerfile").read_text(encoding="utf-8")
    assert f"node:{NODE_VERSION}-trixie-slim" in dockerfile
