"""Refuses an option that is written twice where only one value is used; the parser would take the last in silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unmoor.errors import InputError, Problem


def refuse_repeated_options(command: Any, arguments: Sequence[str]) -> None:
    """InputError if the arguments repeat an option of the click command, or of its subcommand, that takes one value."""
    for position, argument in enumerate(arguments):
        if not argument.startswith("-"):
            subcommands = getattr(command, "commands", {})
            if argument in subcommands:
                return refuse_repeated_options(subcommands[argument], arguments[position + 1 :])
            break
    written = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    for parameter in command.params:
        names = [name for name in parameter.opts if name.startswith("-")]
        is_single = names and not (parameter.multiple or parameter.is_flag)
        count = sum(argument.partition("=")[0] in names for argument in written)
        if is_single and count > 1:
            raise InputError([Problem(names[-1], f"it is written {count} times and takes one value", "write it once")])
