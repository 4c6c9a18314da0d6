"""`PATH=VALUE`, as options write a change of the spec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from unmoor.errors import SpecError
from unmoor.spec.yaml_positions import read_yaml
from unmoor.value_paths import parse_path


def change(text: str, *, option: str) -> tuple[str, Any]:
    """A spec path and its YAML value; typer.BadParameter names the option if the text is not PATH=VALUE."""
    path, equals, value = text.partition("=")
    try:
        if not equals or not value.strip():
            raise ValueError(f"{text!r} is not PATH=VALUE; write a change such as resources.cpu=2")
        parse_path(path.strip())
        return path.strip(), read_yaml(value.encode(), option).value
    except (ValueError, SpecError) as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def changes(texts: Sequence[str] | None, *, option: str = "--set") -> dict[str, Any]:
    """All changes of a repeatable option; the last value of a path wins."""
    return dict(change(text, option=option) for text in texts or ())
