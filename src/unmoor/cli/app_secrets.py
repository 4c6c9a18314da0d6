"""The commands about secrets and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unmoor.cli.options import Backend, Env, File, Json, Target

secrets = typer.Typer(no_args_is_help=True, help="List secrets and their sources, and set those in the stack's config.")


@secrets.command("list")
def list_(file: File = Path(), target: Target = "", env: Env = None, json: Json = False, backend: Backend = "") -> None:
    """List each secret's source, holders and whether it has a value here; exit 1 if one has none.

    Example: unmoor secrets list -e prod
    """
    from unmoor.cli.inputs.requirements import require_pulumi

    require_pulumi()
    from unmoor.cli.commands.secrets import list_secrets

    raise typer.Exit(list_secrets(file, env, target, backend, as_json=json))


@secrets.command("set")
def set_(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The KEY of the spec's {config: KEY}.")],
    file: Annotated[Path, typer.Argument(help="The spec, or its folder.", show_default=False)] = Path(),
    target: Target = "",
    env: Env = None,
    backend: Backend = "",
) -> None:
    """Set a secret in the stack's config from a prompt or standard input; it is stored encrypted.

    Example: unmoor secrets set githubWebhookSecret -t aws-ecs < secret.txt
    """
    from unmoor.cli.inputs.requirements import require_pulumi

    require_pulumi()
    from unmoor.cli.commands.secrets import set_secret

    set_secret(file, env, target, backend, key)
