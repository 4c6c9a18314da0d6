"""The docs say what is so: generated pages are up to date, the page's target works, every link leads somewhere."""

from __future__ import annotations

import os
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from forked import UNMOOR

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
ROOT_PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
NAMING_PAGES = [ROOT / "CONTRIBUTING.md", DOCS / "architecture.md", *sorted((DOCS / "decisions").glob("*.md"))]
PATH = re.compile(r"`([\w.*/-]+/[\w.*/-]*|[\w.-]+\.(?:md|py|toml|yml))`")
MODULE = re.compile(r"`(unmoor(?:\.\w+)+)`")
# Where the paths of those pages begin: a table of the runtime, or of one target, leaves its folder out.
FOLDERS = (ROOT, ROOT / "src" / "unmoor" / "runtime", ROOT / "targets" / "aws_ecs")


@pytest.mark.slow
def test_generated_pages_are_up_to_date() -> None:
    done = _run([str(ROOT / "scripts" / "docs.py"), "--check"], cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_picture_of_the_readme_is_up_to_date() -> None:
    done = _run([str(ROOT / "scripts" / "picture.py"), "--check"], cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_page_is_in_the_navigation() -> None:
    named = re.findall(r"[\w/-]+\.md$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


def test_an_unknown_argument_is_refused() -> None:
    done = _run([str(ROOT / "scripts" / "docs.py"), "--chekc"], cwd=ROOT)
    assert (done.returncode, done.stderr) == (2, "docs.py: --chekc is no argument; write --check, or nothing\n")


@pytest.mark.parametrize(
    "page", [*ROOT_PAGES, *sorted(DOCS.rglob("*.md"))], ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_every_internal_link_resolves(page: Path) -> None:
    assert [link for link in _internal(page) if not _resolves(page, link)] == []


@pytest.mark.parametrize("page", NAMING_PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_path_and_module_that_is_named_exists(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    paths = [path for path in PATH.findall(text) if "NAME" not in path]
    assert [path for path in paths if not any(list(folder.glob(path)) for folder in FOLDERS)] == []
    assert [module for module in MODULE.findall(text) if not _is_importable(module)] == []


def test_every_import_path_of_the_change_log_exists() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    moved = re.findall(r"^\| `unmoor\S+` \| `(unmoor[\w.]+)` \|$", text, re.MULTILINE)
    assert len(moved) > 50
    assert [path for path in moved if not _is_importable(path)] == []


@pytest.fixture(scope="module")
def one_box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's distribution as files, with the metadata that an installer would have written beside them."""
    folder = tmp_path_factory.mktemp("one-box")
    for name, text in BLOCK.findall((DOCS / "adding-a-target.md").read_text(encoding="utf-8")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    entry = re.search(r'"unmoor\.targets"\]\n(\S+) = "([^"]+)"', (folder / "pyproject.toml").read_text())
    assert entry is not None
    metadata = folder / "src" / "unmoor_one_box-1.0.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: unmoor-one-box\nVersion: 1.0.0\n")
    (metadata / "entry_points.txt").write_text(f"[unmoor.targets]\n{entry[1]} = {entry[2]}\n")
    return folder


def test_the_target_of_the_page_is_listed_with_its_distribution(one_box: Path) -> None:
    done = _unmoor(one_box, "targets")
    assert done.returncode == 0, done.stderr
    assert re.search(r"one-box.*unmoor-one-box 1\.0\.0", done.stdout)


def test_the_target_of_the_page_makes_a_graph(one_box: Path) -> None:
    done = _unmoor(one_box, "graph", "tests", "-t", "one-box")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("hello  unmoor:one-box:Agent\n")
    assert "2 Container, 1 Network, 1 RemoteImage, 5 Volume, 1 RandomPassword" in done.stdout


def test_the_target_of_the_page_refuses_what_it_does_not_do(one_box: Path) -> None:
    done = _unmoor(one_box, "check", str(ROOT / "examples" / "01-hello"), "-t", "one-box")
    assert done.returncode == 2
    assert "run.isolation: one-box has no launcher; write process" in done.stdout
    assert "image: one-box builds no image; write a reference" in done.stdout


@pytest.mark.slow
def test_the_target_of_the_page_passes_the_conformance_suite(one_box: Path) -> None:
    done = _run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"], cwd=one_box, path=one_box / "src")
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout
    assert re.search(r"\b1[0-9] passed", done.stdout), done.stdout


@pytest.mark.slow
def test_every_command_of_the_first_steps_succeeds(tmp_path: Path) -> None:
    text = (DOCS / "first-steps.md").read_text(encoding="utf-8")
    commands = re.findall(r"^unmoor (.+)$", text, re.MULTILINE)
    assert len(commands) >= 9
    for command in commands:
        done = _unmoor(tmp_path, *shlex.split(command))
        assert done.returncode == 0, f"unmoor {command}: {done.stderr}"
    assert "unmoor:target: vm-docker" in (tmp_path / "infra" / "Pulumi.prod.yaml").read_text()


def test_the_spec_of_the_readme_is_accepted(tmp_path: Path) -> None:
    found = re.search(r"^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    (tmp_path / "unmoor.yaml").write_text(found[1])
    done = _unmoor(tmp_path, "check", ".")
    assert (done.returncode, done.stdout.count(": accepted")) == (0, 2), done.stdout


def _unmoor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(arguments, cwd=folder, path=folder / "src", program=UNMOOR)


def _run(
    arguments: Sequence[str], *, cwd: Path, path: Path | None = None, program: Sequence[str] = (sys.executable,)
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "UNMOOR_DATA": str(cwd / "data"), **({"PYTHONPATH": str(path)} if path else {})}
    return subprocess.run([*program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)


def _is_importable(path: str) -> bool:
    try:
        pkgutil.resolve_name(path)
    except (ImportError, AttributeError):
        return False
    return True


def _internal(page: Path) -> Iterator[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    yield from (link for link in LINK.findall(text) if not link.startswith(("https://", "http://", "mailto:")))


def _resolves(page: Path, link: str) -> bool:
    """Whether the page is there, and the heading as well where one is named."""
    path, _, anchor = link.partition("#")
    aim = (page.parent / path).resolve() if path else page
    site = DOCS if page.is_relative_to(DOCS) else ROOT
    return aim.is_file() and aim.is_relative_to(site) and (not anchor or anchor in _anchors(aim))


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", h).strip().lower()) for h in headings}
