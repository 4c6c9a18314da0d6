"""What starts the policy pack: a language host where there is one, else the plugin that the engine falls back to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from unmoor.stacks.policies import PACK


@contextmanager
def startable(folder: Path) -> Iterator[Path]:
    """Inside of the block the engine can start the pack, in this environment of Python's; gives the pack's folder."""
    script = folder / "pulumi-analyzer-policy-python"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -u -m pulumi.policy "$1" .\n', encoding="utf-8")
    script.chmod(0o755)
    python = Path(sys.executable).parent
    with patch.dict(os.environ, {"PATH": os.pathsep.join([str(folder), str(python), os.environ["PATH"]])}):
        yield PACK
