"""Checks a command's requirements beyond the base installation."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from unmoor.errors import UnmoorError

RUNTIME = ("aiohttp", "genai_prices", "h11", "obstore", "prometheus_client", "starlette", "uvicorn", "zstandard")


def require_runtime(what: str = "unmoor dev") -> None:
    """UnmoorError, with the command to run, unless the runtime's libraries are installed, which `what` needs."""
    missing = [name for name in RUNTIME if find_spec(name) is None]
    if missing:
        raise UnmoorError(f"{what} needs {', '.join(missing)}; run pip install 'unmoor[runtime]'")


def require_linux(system: str = sys.platform) -> None:
    """UnmoorError, with the alternative, on a system whose kernel cannot sandbox a harness."""
    if system != "linux":
        raise UnmoorError(f"unmoor dev needs Linux to sandbox the harness, and this is {system}; add --docker")


def require_pulumi() -> None:
    """UnmoorError, with the command to run, unless Pulumi's SDK is installed; a target's SDK is checked later."""
    # Silences gRPC's harmless warnings about forks.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    if find_spec("pulumi") is None:
        raise UnmoorError("deploying needs Pulumi's SDK; run pip install 'unmoor[all]', or the extra of your target")
