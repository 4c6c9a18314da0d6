"""Finds Pulumi's CLI, SDK and plugins on this machine; read-only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from .tools import Plugin, Pulumi

PATIENCE_S = 30
# Where Pulumi's own installer puts it: https://www.pulumi.com/docs/install/
INSTALLED = Path("~/.pulumi/bin/pulumi")


def find_pulumi() -> Pulumi:
    """Pulumi's SDK and command line."""
    path, installed = shutil.which("pulumi") or "", INSTALLED.expanduser()
    text = output([path, "version"]) if path else None
    return Pulumi(
        path=path,
        version=(text or "").strip().removeprefix("v"),
        sdk=_sdk(),
        elsewhere=str(installed) if not path and os.access(installed, os.X_OK) else "",
    )


def installed_plugins(path: str) -> tuple[Plugin, ...] | None:
    """The plugins that Pulumi has installed; None if its CLI cannot list them."""
    text = output([path, "plugin", "ls", "--json"]) if path else None
    try:
        listed = json.loads(text) if text else None
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        return None
    return tuple(
        Plugin(name=each["name"], version=each.get("version") or "")
        for each in listed
        if isinstance(each, dict) and each.get("kind") == "resource"
    )


def plugins_on_path(packages: Sequence[str]) -> tuple[Plugin, ...]:
    """The plugins provided by programs on PATH, which Pulumi prefers."""
    return tuple(Plugin(name=name) for name in packages if shutil.which(f"pulumi-resource-{name}"))


def required_version(package: str) -> str:
    """The plugin version that an installed SDK requires; empty if the SDK is not installed."""
    spec = find_spec("pulumi_" + package.replace("-", "_"))
    if spec is None or spec.origin is None:
        return ""
    return json.loads((Path(spec.origin).parent / "pulumi-plugin.json").read_text())["version"]


def output(command: Sequence[str]) -> str | None:
    """A command's output; None if it cannot be run, fails or takes too long."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _sdk() -> str:
    try:
        return version("pulumi")
    except PackageNotFoundError:
        return ""
