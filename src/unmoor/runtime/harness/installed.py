"""Where a harness is on this machine: where unmoor installed it, otherwise on the PATH in the right version."""

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

# Folders of programs and their data on every system; none holds a user's or a run's files.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/sys", "/proc")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
VARIABLE = "UNMOOR_PROGRAMS"
VERSION_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessInstallation:
    """A harness's programs by name, the folders that it must be able to read, its PATH, and the paths of this machine
    that it must not read, wherever they are."""

    paths: Mapping[str, PurePosixPath] = field(default_factory=dict[str, PurePosixPath])
    folders: tuple[Path, ...] = ()
    path: str = SYSTEM_PATH
    hidden: tuple[Path, ...] = ()


def harness_installation_from_env(environment: Mapping[str, str]) -> HarnessInstallation | None:
    """The installation in UNMOOR_PROGRAMS, for a harness on a user's machine; None in an image."""
    if not (text := environment.get(VARIABLE)):
        return None
    values = json.loads(text)
    return HarnessInstallation(
        paths={name: PurePosixPath(path) for name, path in values["paths"].items()},
        folders=tuple(map(Path, values["folders"])),
        path=values["path"],
        hidden=tuple(map(Path, values["hidden"])),
    )


def harness_installation_variable(installation: HarnessInstallation) -> dict[str, str]:
    """The variable that passes an installation to a runner outside an image."""
    values = {
        "paths": {name: str(path) for name, path in installation.paths.items()},
        "folders": [str(folder) for folder in installation.folders],
        "path": installation.path,
        "hidden": [str(path) for path in installation.hidden],
    }
    return {VARIABLE: json.dumps(values)}


def find(name: str, version: str, cache: Path) -> HarnessInstallation:
    """The harness in that version; ConfigurationError if it is not installed, or in another version."""
    package = PACKAGES.get(name)
    if package is None:
        return HarnessInstallation()
    folder = _folder(cache, name, version)
    path = package.path(folder)
    if path.exists():
        return _installation(package, path, (folder,), cache)
    path = _find_on_path(name, package, version)
    return _installation(package, path, tuple(_folders_to_read(path)), cache)


def install(name: str, version: str, cache: Path) -> None:
    """Installs the harness, and a newer Node if it needs one, unless they are installed."""
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


def _installation(package: Package, path: Path, folders: tuple[Path, ...], cache: Path) -> HarnessInstallation:
    paths = {package.program: PurePosixPath(path)}
    if path.suffix not in (".js", ".mjs", ".cjs"):
        return HarnessInstallation(paths=paths, folders=folders)
    own = NODE.path(_folder(cache, "node", NODE_VERSION))
    node = own if own.exists() else native_node()
    if node is None:
        least = ".".join(map(str, NODE_AT_LEAST))
        raise ConfigurationError(f"{package.program} needs Node {least} or newer; unmoor dev --install installs it")
    paths["node"] = PurePosixPath(node)
    return HarnessInstallation(paths=paths, folders=(*folders, *_folders_to_read(node)))


def _find_on_path(name: str, package: Package, version: str) -> Path:
    program = shutil.which(package.program)
    if program is None:
        raise ConfigurationError(f"harness {name} {version} is not installed; unmoor dev --install installs it")
    installed = _version(program)
    if installed != version:
        raise ConfigurationError(
            f"harness {name}: {program} is version {installed or 'unknown'}, and this agent uses {version}; "
            f"unmoor dev --install installs it, or write harness: {{version: {installed or 'that one'}}}"
        )
    return Path(program).resolve()


def _version(program: str) -> str:
    """The version that the program prints, or empty."""
    try:
        result = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=VERSION_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    version = re.search(r"\d+\.\d+\.\d+[-+.0-9A-Za-z]*", result.stdout)
    return version[0] if version else ""


def _folders_to_read(path: Path) -> Iterator[Path]:
    """The folder that must be readable to run the program: its outermost node_modules, otherwise its own."""
    if str(path).startswith(tuple(f"{folder}/" for folder in SYSTEM)):
        return
    modules = [folder for folder in path.parents if folder.name == "node_modules"]
    yield modules[-1] if modules else path.parent
