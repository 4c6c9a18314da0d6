"""Where a harness's program is on this machine: where unmoor installed it, or else on the PATH in the right version."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from unmoor.runtime.errors import ConfigurationError

from .packages import NODE, NODE_AT_LEAST, NODE_VERSION, PACKAGES, NotInstalled, Package, install_package, native_node

# Folders that hold programs and their data, on every system; nothing of a person's or a run's lies there.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/sys", "/proc")


VERSION_S = 30


def find(name: str, version: str, cache: Path) -> HarnessInstallation:
    """The harness in that version; ConfigurationFault where it is not here, or here in another version."""
    package = PACKAGES.get(name)
    if package is None:
        return HarnessInstallation()
    folder = _folder(cache, name, version)
    path = package.path(folder)
    if path.exists():
        return _programs(package, path, (folder,), _node(cache))
    path = _on_the_path(name, package, version)
    return _programs(package, path, tuple(_around(path)), _node(cache))


def install(name: str, version: str, cache: Path) -> None:
    """Installs the harness, and a newer Node for one that needs it; nothing where it is there already."""
    package = PACKAGES.get(name)
    if package is None:
        return
    try:
        install_package(package, version, _folder(cache, name, version))
        if package.needs_node and native_node() is None:
            install_package(NODE, NODE_VERSION, _folder(cache, "node", NODE_VERSION))
    except NotInstalled as problem:
        raise ConfigurationError(f"harness {name}: {problem}") from None


def _folder(cache: Path, name: str, version: str) -> Path:
    return cache / "harness" / f"{name}-{version}"


def _node(cache: Path) -> Path | None:
    """A Node that is new enough: unmoor's own, or this machine's."""
    own = NODE.path(_folder(cache, "node", NODE_VERSION))
    return own if own.exists() else native_node()


def _programs(package: Package, path: Path, folders: tuple[Path, ...], node: Path | None) -> HarnessInstallation:
    paths = {package.program: PurePosixPath(path)}
    if path.suffix not in (".js", ".mjs", ".cjs"):
        return HarnessInstallation(paths=paths, folders=folders)
    if node is None:
        least = ".".join(map(str, NODE_AT_LEAST))
        raise ConfigurationError(f"{package.program} needs Node {least} or newer; unmoor dev --install gets it")
    return HarnessInstallation(paths={**paths, "node": PurePosixPath(node)}, folders=(*folders, *_around(node)))


def _on_the_path(name: str, package: Package, version: str) -> Path:
    found = shutil.which(package.program)
    if found is None:
        raise ConfigurationError(f"harness {name} {version} is not here; unmoor dev --install gets it")
    here = _version(found)
    if here != version:
        raise ConfigurationError(
            f"harness {name}: {found} is version {here or 'unknown'}, and this agent uses {version}; "
            f"unmoor dev --install gets it, or write harness: {{version: {here or 'that one'}}}"
        )
    return Path(found).resolve()


def _version(program: str) -> str:
    """What it says of itself; empty where it says nothing like a version."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=VERSION_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+\.\d+\.\d+[-+.0-9A-Za-z]*", said.stdout)
    return found[0] if found else ""


def _around(path: Path) -> Iterator[Path]:
    """The folder that must be readable to run the program: its packages' if it is one of npm's, else its own."""
    if str(path).startswith(tuple(f"{folder}/" for folder in SYSTEM)):
        return
    outermost = [folder for folder in path.parents if folder.name == "node_modules"]
    yield outermost[-1] if outermost else path.parent


PROGRAMS = "UNMOOR_PROGRAMS"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessInstallation:
    """Where the harness is: by program name; the folders that it must be able to read; the PATH that it is given."""

    paths: Mapping[str, PurePosixPath] = field(default_factory=dict[str, PurePosixPath])
    folders: tuple[Path, ...] = ()
    path: str = SYSTEM_PATH


def harness_installation_from_env(environment: Mapping[str, str]) -> HarnessInstallation | None:
    """What UNMOOR_PROGRAMS says of a harness that is installed on a person's machine; None in an image."""
    if not (text := environment.get(PROGRAMS)):
        return None
    values = json.loads(text)
    return HarnessInstallation(
        paths={name: PurePosixPath(path) for name, path in values["paths"].items()},
        folders=tuple(Path(folder) for folder in values["folders"]),
        path=values["path"],
    )


def harness_installation_variable(programs: HarnessInstallation) -> dict[str, str]:
    """The variable by which a runner outside of an image is told where its harness is."""
    values = {
        "paths": {name: str(path) for name, path in programs.paths.items()},
        "folders": [str(folder) for folder in programs.folders],
        "path": programs.path,
    }
    return {PROGRAMS: json.dumps(values)}
