"""The images that a deployed agent of the tests is made of: the shipped one on a base that needs no registry of images,
and a proxy of Debian's packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from command import docker

AGENT, CADDY = "unmoor-test/agent", "unmoor-test/caddy"
CADDYFILE = """\
FROM {base}
RUN apt-get update && apt-get install -y --no-install-recommends caddy && rm -rf /var/lib/apt/lists/*
"""


def agent_image(base: str) -> str:
    """The shipped image without a harness, under a name of the tests'."""
    with tempfile.TemporaryDirectory() as folder:
        spec = {"version": 1, "name": "tests", "harness": {"name": "command", "command": ["sh"]}}
        Path(folder, "unmoor.yaml").write_text(json.dumps(spec))
        command = [sys.executable, "-c", "from unmoor.cli import main; main()", "build", folder, "--base", base]
        kept = {"PATH": os.environ["PATH"], "HOME": folder}
        done = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stderr
    name = done.stdout.split()[-1]
    docker("tag", name, AGENT)
    return AGENT


def caddy_image(base: str) -> str:
    """Debian's Caddy; skips where Debian's packages are not to be had."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text(CADDYFILE.format(base=base))
        if docker("build", "--tag", CADDY, folder, check=False).returncode:
            pytest.skip("there is no proxy to test with: Debian's package caddy could not be installed")
    return CADDY
