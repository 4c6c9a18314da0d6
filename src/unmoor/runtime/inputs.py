"""Files that came with what started a run, such as a mail's attachments, brought into its workspace."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from . import layout
from .errors import WorkspaceFault
from .records import RunRecord
from .store.objects import Store
from .workspace import put


async def bring_inputs(store: Store, record: RunRecord, work: Path) -> None:
    """Writes each of the run's inputs into the workspace; WorkspaceFault where the store has it no more, or another."""
    for file in record.inputs:
        stored = await store.get(layout.given(record.id, file.path))
        if stored is None or hashlib.sha256(stored.content).hexdigest() != file.sha256:
            raise WorkspaceFault(f"{file.path}, which came with what started this run, is not in the store any more")
        await asyncio.to_thread(put, work, Path(file.path), stored.content, mode=0o644)
