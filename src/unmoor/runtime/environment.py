"""A container's environment: its variables and the secrets that it holds, read once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unmoor.container import SECRET_PREFIX, WORK_DIR, secret_variable

from .errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEnvironment:
    """The URLs of store, guard and gateway (the last two may be empty), the bundle, the workspace root, the secrets."""

    store_url: str
    bundle: str
    guard_url: str
    gateway_url: str
    work_root: Path
    secrets: Mapping[str, str]

    def secret(self, name: str) -> str:
        """A secret's value by the spec's name; ConfigurationError where this container does not hold it."""
        try:
            return self.secrets[secret_variable(name)]
        except KeyError:
            raise ConfigurationError(f"secret {name} is missing: {secret_variable(name)} is not set") from None


def read_environment(environment: Mapping[str, str]) -> ContainerEnvironment:
    """Reads the variables; ConfigurationError for one that is missing."""
    return ContainerEnvironment(
        store_url=_required(environment, "UNMOOR_STORE"),
        bundle=_required(environment, "UNMOOR_BUNDLE"),
        guard_url=environment.get("UNMOOR_GUARD_URL", ""),
        gateway_url=environment.get("UNMOOR_GATEWAY_URL", ""),
        work_root=Path(environment.get("UNMOOR_WORK", WORK_DIR)),
        secrets=read_secrets(environment),
    )


def read_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Secrets by variable: from the environment, and from files of that name one level below UNMOOR_SECRETS_DIR,
    without a trailing newline."""
    secrets = {name: value for name, value in environment.items() if name.startswith(SECRET_PREFIX)}
    if folder := environment.get("UNMOOR_SECRETS_DIR"):
        for path in sorted(Path(folder).glob(f"*/{SECRET_PREFIX}*")):
            secrets[path.name] = _read(path)
    return secrets


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8; a secret is text") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None


def scrub_secrets() -> None:
    """Removes the secrets from this process's environment, so that no child process inherits them."""
    for name in [n for n in os.environ if n.startswith(SECRET_PREFIX)]:
        del os.environ[name]


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise ConfigurationError(f"{name} is not set; the target sets it")
    return value
