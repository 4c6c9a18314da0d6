"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Target = Annotated[
    str, typer.Option("-t", "--target", help="The target; not needed where the spec has settings for one alone.")
]
Backend = Annotated[
    str,
    typer.Option("--backend", metavar="URL", help="Pulumi's backend; else PULUMI_BACKEND_URL, or a folder of yours."),
]
Provider = Annotated[
    str, typer.Option("--secrets-provider", metavar="URL", help="What encrypts the state's secrets, as Pulumi has it.")
]


File = Annotated[Path, typer.Argument(help="The spec, or the folder that holds an unmoor.yaml.", show_default=False)]
Env = Annotated[str | None, typer.Option("-e", "--env", help="An environment that the spec declares.")]
SomeTargets = Annotated[list[str] | None, typer.Option("-t", "--target", help="A target; may be given several times.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
