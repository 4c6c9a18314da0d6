"""Which files an artifact's glob names."""

from __future__ import annotations

import pytest

from unmoor.runtime.run.globs import matches


@pytest.mark.parametrize(
    ("glob", "path", "named"),
    [
        ("out/**", "out/a", True),
        ("out/**", "out/a/b/c.txt", True),
        ("out/**", "outside/a", False),
        ("out/**", "out", False),
        ("**/*.md", "a.md", True),
        ("**/*.md", "a/b/c.md", True),
        ("**/*.md", "a/b/c.mdx", False),
        ("drafts/*.md", "drafts/a.md", True),
        ("drafts/*.md", "drafts/a/b.md", False),
        ("report.md", "report.md", True),
        ("./report.md", "report.md", True),
        ("report.md", "reportxmd", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("log?.txt", "log1.txt", True),
        ("log?.txt", "log12.txt", False),
        ("log[0-9].txt", "log7.txt", True),
        ("log[!0-9].txt", "log7.txt", False),
        ("log[0-9.txt", "log[0-9.txt", True),
        ("*", ".hidden", True),
        ("a+(b)", "a+(b)", True),
        ("out/*", "out/line\nbreak", True),
    ],
)
def test_a_glob_names_a_path(glob: str, path: str, named: bool) -> None:
    assert matches(path, [glob]) is named


def test_no_glob_names_nothing() -> None:
    assert not matches("a", [])
