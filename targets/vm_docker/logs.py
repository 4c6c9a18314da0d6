"""Logs: json-file, rotated by size."""

from __future__ import annotations

from .context import Context
from .sizes import LOG_FILE_MIB, log_files

DRIVER = "json-file"


def log_options(context: Context) -> dict[str, str]:
    """One file for each day of the plan's retention."""
    return {"max-file": str(log_files(context.plan.retention.logs_s)), "max-size": f"{LOG_FILE_MIB}m"}
