"""The commands that deploy, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmoor.cli.options import Backend, Env, File, Json, Provider, Target

if TYPE_CHECKING:
    from unmoor.stacks.deployment import DeployRequest

Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Set a field of the spec; several times.")
]
Packs = Annotated[
    list[Path] | None, typer.Option("--policy-pack", metavar="DIR", help="A policy pack to hold it to; several times.")
]
Diff = Annotated[bool, typer.Option("--diff", help="Show every resource with every property that differs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DestroyData = Annotated[bool, typer.Option("--destroy-data", help="Allow that runs and sessions are deleted.")]


def _asked(
    file: Path,
    env: str | None,
    target: str,
    sets: list[str] | None,
    backend: str,
    provider: str = "",
    packs: list[Path] | None = None,
    *,
    destroy_data: bool = False,
) -> DeployRequest:
    from unmoor.cli.inputs.requirements import require_pulumi
    from unmoor.cli.inputs.set_values import changes

    require_pulumi()
    from unmoor.stacks.deployment import DeployRequest

    return DeployRequest(
        file=file,
        environment=env,
        target=target,
        changes=changes(sets),
        backend=backend,
        secrets_provider=provider,
        policy_packs=[str(pack.absolute()) for pack in packs or ()],
        destroy_data=destroy_data,
    )


def preview(
    file: File = Path(),
    target: Target = "",
    env: Env = None,
    set: Set = None,
    diff: Diff = False,
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
    backend: Backend = "",
    secrets_provider: Provider = "",
    policy_pack: Packs = None,
) -> None:
    """Say what `up` would change, in which part of the agent, and what data is at risk.

    Example: unmoor preview -t aws-ecs -e prod --diff
    """
    if json and markdown:
        raise typer.BadParameter("--json and --markdown exclude each other", param_hint="preview")
    asked = _asked(file, env, target, set, backend, secrets_provider, policy_pack)
    from unmoor.cli.commands.preview import run

    run(asked, diff=diff, form="json" if json else "markdown" if markdown else "text")


def up(
    file: File = Path(),
    target: Target = "",
    env: Env = None,
    set: Set = None,
    yes: Yes = False,
    diff: Diff = False,
    json: Json = False,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="See that what runs is what was asked.")] = True,
    destroy_data: DestroyData = False,
    backend: Backend = "",
    secrets_provider: Provider = "",
    policy_pack: Packs = None,
) -> None:
    """Deploy the agent, or bring what is deployed to what the spec says.

    Example: unmoor up examples/01-hello -t vm-docker --set targets.vm-docker.host=local
    """
    asked = _asked(file, env, target, set, backend, secrets_provider, policy_pack)
    from unmoor.cli.commands.up import run

    raise typer.Exit(run(asked, yes=yes, diff=diff, as_json=json, verifying=verify, destroying=destroy_data))


def refresh(
    file: File = Path(),
    target: Target = "",
    env: Env = None,
    set: Set = None,
    json: Json = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Take a dead command's lock, and drop what it left undecided.")
    ] = False,
    backend: Backend = "",
    secrets_provider: Provider = "",
) -> None:
    """Take what is really there into the state, and say what of it differs.

    Example: unmoor refresh -t aws-ecs -e prod --repair
    """
    asked = _asked(file, env, target, set, backend, secrets_provider)
    from unmoor.cli.commands.refresh import run

    run(asked, repair=repair, as_json=json)


def down(
    file: File = Path(),
    target: Target = "",
    env: Env = None,
    set: Set = None,
    yes: Yes = False,
    json: Json = False,
    destroy_data: DestroyData = False,
    backend: Backend = "",
    secrets_provider: Provider = "",
) -> None:
    """Take the agent down; the store stays, and what else holds data, unless --destroy-data is given.

    Example: unmoor down -t vm-docker
    """
    asked = _asked(file, env, target, set, backend, secrets_provider, destroy_data=destroy_data)
    from unmoor.cli.commands.down import run

    run(asked, yes=yes, as_json=json, destroying=destroy_data)


def outputs(
    file: File = Path(),
    target: Target = "",
    env: Env = None,
    json: Json = False,
    show_token: Annotated[bool, typer.Option("--show-token", help="Print the token that opens the API.")] = False,
    backend: Backend = "",
) -> None:
    """Say what the deployed agent is reached by.

    Example: unmoor outputs -t vm-docker --json
    """
    from unmoor.cli.inputs.requirements import require_pulumi

    require_pulumi()
    from unmoor.cli.commands.outputs import run
    from unmoor.operate.connect import AgentLocation

    where = AgentLocation(file=file, environment=env, target=target, backend=backend)
    run(where, as_json=json, show_token=show_token)


def rights(file: File = Path(), target: Target = "", env: Env = None, set: Set = None) -> None:
    """Print what who deploys this agent must be allowed to do, as a policy or role in the platform's own form.

    Example: unmoor rights -t aws-ecs -e prod > deployer.json
    """
    from unmoor.cli.commands.rights import run
    from unmoor.cli.inputs.set_values import changes

    run(file, env, target, changes(set))
