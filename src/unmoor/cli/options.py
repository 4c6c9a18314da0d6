"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Target = Annotated[
    str, typer.Option("-t", "--target", help="The target; default: the only one that the spec has settings for.")
]
Backend = Annotated[
    str,
    typer.Option(
        "--backend",
        metavar="URL",
        help="Pulumi's backend; default: PULUMI_BACKEND_URL, or a folder in your data directory.",
    ),
]
Provider = Annotated[
    str,
    typer.Option(
        "--secrets-provider", metavar="URL", help="Pulumi's secrets provider, which encrypts the secrets in the state."
    ),
]


File = Annotated[Path, typer.Argument(help="The spec, or the folder that holds an unmoor.yaml.", show_default=False)]
Env = Annotated[str | None, typer.Option("-e", "--env", help="An environment of the spec.")]
SomeTargets = Annotated[list[str] | None, typer.Option("-t", "--target", help="A target; repeatable.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
