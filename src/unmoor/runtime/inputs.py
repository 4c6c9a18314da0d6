"""Files that came with what started a run, such as a mail's attachments, brought into its workspace."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from . import layout
from .errors import WorkspaceError
from .records import RunRecord
from .store.objects import Store
from .workspace import write_file


async def download_inputs(store: Store, record: RunRecord, work: Path) -> None:
    """Writes each of the run's inputs into the workspace; WorkspaceFault where the store has it no more, or another."""
    for file in record.inputs:
        stored = await store.get(layout.input_key(record.id, file.path))
        if stored is None or hashlib.sha256(stored.content).hexdigest() != file.sha256:
            raise WorkspaceError(f"{file.path}, which came with what started this run, is not in the store any more")
        await asyncio.to_thread(write_file, work, Path(file.path), stored.content, mode=0o644)
