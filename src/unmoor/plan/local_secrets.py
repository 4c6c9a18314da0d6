"""The values of secrets that whoever is at this machine has here."""

from __future__ import annotations

import os
from pathlib import Path

from unmoor.errors import InputError, Problem

from .model import Secret


def local_value(secret: Secret, folder: Path) -> str:
    """A secret's value, or nothing where it is not on this machine; a file's path is relative to `folder`, the spec's.

    A variable named like the one in the container stands in for any source, so that what lies in Pulumi's config or in
    a cloud's store can be given by hand.
    """
    return os.environ.get(secret.variable) or read_from_source(secret, folder)


def missing_secret_problem(secret: Secret) -> Problem:
    """That the secret's value is not on this machine, and what to do."""
    remedies = {"env": f"set {secret.reference}", "file": f"write {secret.reference}"}
    remedy = remedies.get(secret.source, f"set {secret.variable} to try it here")
    return Problem(path=f"secrets.{secret.name}", rule=f"{secret.source_label} has no value here", remedy=remedy)


def read_from_source(secret: Secret, folder: Path) -> str:
    """The value of a secret of this machine, as its variable or file has it; nothing where it is not here.

    One line break at a file's end is not part of the value; InputError for a file that is no text.
    """
    if secret.source == "env":
        return os.environ.get(secret.reference, "")
    path = folder / secret.reference
    if secret.source != "file" or not path.is_file():
        return ""
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        raise InputError(
            [Problem(path=f"secrets.{secret.name}", rule=f"{path} is not UTF-8", remedy="a secret is text")]
        ) from None
