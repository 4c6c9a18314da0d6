"""The bundle: the part of a plan that the container needs, as one content-addressed archive.

The same plan and file contents give the same bytes on any machine at any time: entries are sorted, owners,
times and modes are fixed, nothing is compressed. config.json holds the plan's fields that the runtime reads.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import tarfile
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from unmoor.errors import UnmoorError
from unmoor.runtime.config import FORMAT

from .model import BundledFile, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A packed bundle: its digest, and its path on this machine."""

    sha256: str
    path: Path

    @property
    def key(self) -> str:
        """Its key in the store."""
        return f"bundles/{self.sha256}.tar"


def config_json(plan: Plan) -> dict[str, Any]:
    """The content of config.json: the plan's bundled fields, nested as in the plan."""
    return {"format": FORMAT, **_bundled_fields(plan)}


def pack(plan: Plan) -> bytes:
    """The archive; UnmoorError if a file has changed since the plan was made."""
    buffer = io.BytesIO()
    entries = {
        "config.json": (_json(config_json(plan)), False),
        "instructions.md": (plan.instructions.encode(), False),
        **{file.path: (_content(file), file.executable) for file in plan.files},
    }
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, (content, executable) in sorted(entries.items()):
            archive.addfile(_entry(path, len(content), executable), io.BytesIO(content))
    return buffer.getvalue()


def write_bundle(plan: Plan, folder: Path) -> Bundle:
    """Pack the plan into `folder` under its digest, unless that file exists."""
    archive = pack(plan)
    digest = hashlib.sha256(archive).hexdigest()
    path = folder / f"{digest}.tar"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, archive)
    return Bundle(sha256=digest, path=path)


def _write(path: Path, content: bytes) -> None:
    """Write a temporary file and rename it, so that a reader never sees half a bundle."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.replace(name, path)


def _entry(path: str, size: int, executable: bool) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.size = size
    entry.mode = 0o755 if executable else 0o644
    return entry


def _content(file: BundledFile) -> bytes:
    content = Path(file.source).read_bytes()
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise UnmoorError(f"{file.source} changed while the plan was made; run the command again")
    return content


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _bundled_fields(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (f for f in dataclasses.fields(value) if f.metadata.get("bundled", True))
        return {f.name: _bundled_fields(getattr(value, f.name)) for f in fields}
    if isinstance(value, tuple):
        return [_bundled_fields(v) for v in cast(tuple[Any, ...], value)]
    return str(value) if isinstance(value, Decimal) else value
