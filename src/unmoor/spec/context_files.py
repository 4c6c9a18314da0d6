"""The files that a spec names, read once into values that a plan can carry."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unmoor.errors import Problem
from unmoor.plan import BundledFile
from unmoor.quantities import quote_truncated

from .models import ImageBuild, InstructionsFile, Spec

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_BUNDLE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFiles:
    """The spec's folder, its instructions as text, and the files that go into the bundle, sorted by path."""

    folder: str
    instructions: str
    files: tuple[BundledFile, ...]


def read_spec_files(spec: Spec, folder: Path) -> tuple[SpecFiles, list[Problem]]:
    """The content of the spec's files, and a problem for each that is missing, unreadable, too large or outside."""
    folder = folder.resolve()
    reader = _Reader(folder)
    instructions = reader.instructions(spec)
    files = [*reader.context(spec), *reader.skills(spec)]
    reader.check_image(spec)
    reader.check_secret_files(spec)
    reader.check_together(files)
    found = SpecFiles(folder=str(folder), instructions=instructions, files=tuple(sorted(files, key=lambda f: f.path)))
    return found, reader.problems


class _Reader:
    """Reads the files that the spec names, collecting problems instead of raising."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []

    def instructions(self, spec: Spec) -> str:
        if not isinstance(spec.instructions, InstructionsFile):
            return spec.instructions or ""
        where = "instructions.file"
        source = self.inside(where, spec.instructions.file)
        if source is None or not self.is_file(where, source):
            return ""
        try:
            return source.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            self.refuse(where, f"{spec.instructions.file} is not UTF-8", "save it as UTF-8")
            return ""

    def context(self, spec: Spec) -> Iterator[BundledFile]:
        for i, item in enumerate(spec.context.files):
            where = f"context.files[{i}].source"
            source = self.inside(where, item.source)
            if source is not None and self.exists(where, source):
                yield from self.walk(where, source, f"files/{_clean(item.path or source.name)}")

    def skills(self, spec: Spec) -> Iterator[BundledFile]:
        for i, item in enumerate(spec.context.skills):
            where = f"context.skills[{i}].source"
            source = self.inside(where, item.source)
            if source is None or not self.exists(where, source):
                continue
            if not (source / "SKILL.md").is_file():
                self.refuse(where, f"{item.source} has no SKILL.md", "name a folder with a SKILL.md")
                continue
            yield from self.walk(where, source, f"skills/{source.name}")

    def check_image(self, spec: Spec) -> None:
        if isinstance(spec.image, ImageBuild):
            source = self.inside("image.build", spec.image.build)
            if source is not None and self.exists("image.build", source) and not (source / "Dockerfile").is_file():
                self.refuse("image.build", f"{spec.image.build} has no Dockerfile", "name a folder with a Dockerfile")

    def check_secret_files(self, spec: Spec) -> None:
        """A secret's file may be absent, since only a deployment reads it, but its path must be inside the folder."""
        for name, secret in spec.secrets.items():
            if secret.file is not None:
                self.inside(f"secrets.{name}.file", secret.file)

    def check_together(self, files: list[BundledFile]) -> None:
        seen: set[str] = set()
        for file in files:
            if file.path in seen:
                self.refuse("context", f"two sources have the path {file.path}", "change the path of one")
            seen.add(file.path)
        total = sum(f.size_bytes for f in files)
        if total > MAX_BUNDLE_BYTES:
            limit = MAX_BUNDLE_BYTES // 1024 // 1024
            self.refuse("context", f"{total} bytes of files are over the bundle's {limit} MiB", "clone a repo instead")

    def walk(self, where: str, source: Path, target: str) -> Iterator[BundledFile]:
        if not source.is_dir():
            yield from self.one(where, source, target)
            return
        for folder, folders, names in os.walk(source):
            folders[:] = sorted(f for f in folders if f != ".git" and self.stays_inside(where, Path(folder, f)))
            for name in sorted(names):
                path = Path(folder, name)
                yield from self.one(where, path, f"{target}/{path.relative_to(source).as_posix()}")

    def one(self, where: str, source: Path, target: str) -> Iterator[BundledFile]:
        if not self.stays_inside(where, source):
            return
        if not source.is_file():
            self.refuse(
                where, f"{self.relative(source)} is not a regular file", "remove it or list the files one by one"
            )
            return
        size = source.stat().st_size
        if size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 1024 // 1024
            rule = f"{self.relative(source)} has {size} bytes, over the {limit} MiB of one file"
            self.refuse(where, rule, "clone a repo or download it in the run instead")
            return
        try:
            digest = hashlib.sha256(source.read_bytes()).hexdigest()
        except PermissionError:
            self.refuse(where, f"{self.relative(source)} cannot be read", "change its permissions")
            return
        executable = bool(source.stat().st_mode & 0o100)
        yield BundledFile(path=target, sha256=digest, size_bytes=size, executable=executable, source=str(source))

    def inside(self, where: str, text: str) -> Path | None:
        """The named path, or None and a problem if it is outside the spec's folder."""
        path = Path(os.path.normpath(self.folder / text))
        if Path(text).is_absolute() or not path.is_relative_to(self.folder):
            self.refuse(where, f"{quote_truncated(text)} is outside the spec's folder", "move it into the folder")
            return None
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            pass  # callers that need the file check that it exists
        except OSError as error:
            self.refuse(
                where,
                f"{quote_truncated(text)} cannot be read: {error.strerror}",
                "correct the path or its permissions",
            )
            return None
        return path if self.stays_inside(where, path) else None

    def stays_inside(self, where: str, path: Path) -> bool:
        try:
            real = path.resolve(strict=False)
        except (OSError, RuntimeError):
            self.refuse(where, f"{self.relative(path)} is a symlink to itself", "remove it")
            return False
        if real.is_relative_to(self.folder):
            return self.no_loop(where, path, real)
        self.refuse(where, f"{self.relative(path)} is a symlink out of the folder", "copy its target")
        return False

    def no_loop(self, where: str, path: Path, real: Path) -> bool:
        if path.is_symlink() and path.parent.resolve().is_relative_to(real) and real.is_dir():
            self.refuse(where, f"{self.relative(path)} is a symlink to a folder above it", "remove it")
            return False
        return True

    def exists(self, where: str, path: Path) -> bool:
        if path.exists():
            return True
        self.refuse(where, f"{self.relative(path)} does not exist", "create it or correct the path")
        return False

    def is_file(self, where: str, path: Path) -> bool:
        if not self.exists(where, path):
            return False
        if path.is_file():
            return True
        self.refuse(where, f"{self.relative(path)} is a folder", "name a file")
        return False

    def relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def refuse(self, where: str, rule: str, remedy: str) -> None:
        self.problems.append(Problem(path=where, rule=rule, remedy=remedy))


def _clean(path: str) -> str:
    return os.path.normpath(path).removeprefix("./")
