"""The values of secrets on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from unmoor.errors import InputError, Problem

from .model import Secret


def local_value(secret: Secret, folder: Path) -> str:
    """A secret's value, or empty if it is not on this machine; a file's path is relative to `folder`, the spec's.

    The container's variable of the secret overrides every source, so that a secret of Pulumi's config or a cloud's
    secret store can be set here.
    """
    return os.environ.get(secret.variable) or read_from_source(secret, folder)


def missing_secret_problem(secret: Secret) -> Problem:
    """The problem that the secret has no value on this machine."""
    remedies = {"env": f"set {secret.reference}", "file": f"write {secret.reference}"}
    remedy = remedies.get(secret.source, f"set {secret.variable}")
    return Problem(f"secrets.{secret.name}", f"{secret.source_label} has no value on this machine", remedy)


def read_from_source(secret: Secret, folder: Path) -> str:
    """The value in a secret's variable or file, or empty.

    One line break at a file's end is removed; InputError for a file that is not UTF-8.
    """
    if secret.source == "env":
        return os.environ.get(secret.reference, "")
    path = folder / secret.reference
    if secret.source != "file" or not path.is_file():
        return ""
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        raise InputError([Problem(f"secrets.{secret.name}", f"{path} is not UTF-8", "a secret must be text")]) from None
