"""Findings about Python, Pulumi's CLI and its plugins."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unmoor.findings import Finding, failure, note, ok

OLDEST_PYTHON = (3, 11, 4)
Version = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulumi:
    """The path and version of Pulumi's CLI, and its SDK's version; empty if missing.

    `elsewhere` is a CLI in the installer's folder that is not on PATH.
    """

    path: str = ""
    version: str = ""
    sdk: str = ""
    elsewhere: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A resource plugin and its version, which is empty if a program on PATH provides it."""

    name: str
    version: str = ""


def python(version: Sequence[int]) -> Finding:
    text = ".".join(map(str, version))
    if tuple(version) < OLDEST_PYTHON:
        return failure("Python", text, f"install Python {'.'.join(map(str, OLDEST_PYTHON))} or newer")
    return ok("Python", text)


def pulumi(found: Pulumi, *, oldest: str) -> list[Finding]:
    """Whether Pulumi's SDK and CLI are installed and compatible."""
    return [_sdk(found.sdk), _cli(found, oldest)]


def _sdk(version: str) -> Finding:
    if not version:
        return failure("Pulumi SDK", "not installed", "pip install 'unmoor[all]', or the extra of your target")
    return ok("Pulumi SDK", version)


def _cli(found: Pulumi, oldest: str) -> Finding:
    topic = "Pulumi CLI"
    install = ("unmoor", "doctor", "--install")
    if found.path and not found.version:
        return failure(topic, f"{found.path} prints no version", "reinstall it: https://www.pulumi.com/docs/install/")
    if not found.path and found.elsewhere:
        folder = found.elsewhere.rpartition("/")[0]
        return failure(topic, f"{found.elsewhere} is not on PATH", f'export PATH="{folder}:$PATH"')
    if not found.path:
        return failure(topic, "not on PATH", install=install)
    text = f"{found.version} at {found.path}"
    if parse_version(found.version) < parse_version(oldest):
        return failure(topic, f"{text} is older than {oldest}", install=install)
    if found.sdk and parse_version(found.version)[:2] < parse_version(found.sdk)[:2]:
        return note(topic, f"{text}, older than its SDK {found.sdk}", "most commands work; update it if one fails")
    return ok(topic, text)


def plugins(wanted: Mapping[str, str], there: Sequence[Plugin], *, readable: bool) -> list[Finding]:
    """Whether the plugins are installed at the versions that their SDKs require (empty if an SDK is missing)."""
    return [_plugin(name, version, there, readable=readable) for name, version in sorted(wanted.items())]


def _plugin(name: str, version: str, there: Sequence[Plugin], *, readable: bool) -> Finding:
    topic = f"plugin {name}"
    if not version:
        return failure(topic, "its SDK is not installed", "pip install 'unmoor[all]', or the extra of your target")
    found = [each.version for each in there if each.name == name]
    if version in found:
        return ok(topic, version)
    if "" in found:
        return note(topic, "provided by a program on PATH, version unknown")
    if not readable:
        return note(topic, f"{version} is required; only Pulumi's CLI can tell whether it is installed")
    others = (
        f"{', '.join(sorted(found))} is installed, but {version} is required"
        if found
        else f"{version} is not installed"
    )
    return failure(topic, others, install=("pulumi", "plugin", "install", "resource", name, f"v{version}"))


def parse_version(version: str) -> Version:
    """`v3.250.0-alpha.1` as (3, 250, 0)."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(map(int, match[1].split("."))) if match else ()
