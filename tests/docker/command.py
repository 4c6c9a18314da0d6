"""Docker's command line."""

from __future__ import annotations

import subprocess

import pytest


def docker(*arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs docker and gives what it said."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, input=stdin)
    if check and done.returncode:
        pytest.fail(f"docker {' '.join(arguments)}: {done.stderr[-2000:]}")
    return done
