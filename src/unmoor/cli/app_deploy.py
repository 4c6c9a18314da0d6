"""The commands that deploy, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmoor.cli.options import Backend, Env, File, Json, Provider, Target

if TYPE_CHECKING:
    from unmoor.stacks.deployment import DeployRequest

Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Set a field of the spec; repeatable.")
]
Packs = Annotated[
    list[Path] | None, typer.Option("--policy-pack", metavar="DIR", help="A Pulumi policy pack to enforce; repeatable.")
]
Diff = Annotated[bool, typer.Option("--diff", help="Show each resource with every property that differs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation prompt.")]
DestroyData = Annotated[bool, typer.Option("--destroy-data", help="Allow the deletion of runs and sessions.")]


def _deploy_request(
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
    """Show what `up` would change, by component, and which data it would delete.

    Example: unmoor preview -t aws-ecs -e prod --diff
    """
    if json and markdown:
        raise typer.BadParameter("--json and --markdown exclude each other", param_hint="preview")
    request = _deploy_request(file, env, target, set, backend, secrets_provider, policy_pack)
    from unmoor.cli.commands.preview import run

    run(request, diff=diff, form="json" if json else "markdown" if markdown else "text")


def up(
    file: File = Path(),
    target: Target = "",
    env: Env = None,
    set: Set = None,
    yes: Yes = False,
    diff: Diff = False,
    json: Json = False,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Verify the deployment afterwards.")] = True,
    destroy_data: DestroyData = False,
    backend: Backend = "",
    secrets_provider: Provider = "",
    policy_pack: Packs = None,
) -> None:
    """Deploy the agent, or update a deployment to match the spec.

    Example: unmoor up examples/01-hello -t vm-docker --set targets.vm-docker.host=local
    """
    request = _deploy_request(file, env, target, set, backend, secrets_provider, policy_pack)
    from unmoor.cli.commands.up import run

    raise typer.Exit(run(request, yes=yes, diff=diff, as_json=json, verifying=verify, destroying=destroy_data))


def refresh(
    file: File = Path(),
    target: Target = "",
    env: Env = None,
    set: Set = None,
    json: Json = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Take over the lock of a dead command and discard its pending operations.")
    ] = False,
    backend: Backend = "",
    secrets_provider: Provider = "",
) -> None:
    """Refresh the stack's state from the real resources and report drift.

    Example: unmoor refresh -t aws-ecs -e prod --repair
    """
    request = _deploy_request(file, env, target, set, backend, secrets_provider)
    from unmoor.cli.commands.refresh import run

    run(request, repair=repair, as_json=json)


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
    """Delete the deployment; the store and other data are retained unless --destroy-data is given.

    Example: unmoor down -t vm-docker
    """
    request = _deploy_request(file, env, target, set, backend, secrets_provider, destroy_data=destroy_data)
    from unmoor.cli.commands.down import run

    run(request, yes=yes, as_json=json, destroying=destroy_data)


def outputs(
    file: File = Path(),
    target: Target = "",
    env: Env = None,
    json: Json = False,
    show_token: Annotated[bool, typer.Option("--show-token", help="Print the API token.")] = False,
    backend: Backend = "",
) -> None:
    """Print the deployment's outputs: URLs, webhook addresses, resource names.

    Example: unmoor outputs -t vm-docker --json
    """
    from unmoor.cli.inputs.requirements import require_pulumi

    require_pulumi()
    from unmoor.cli.commands.outputs import run
    from unmoor.operate.connect import AgentLocation

    where = AgentLocation(file=file, environment=env, target=target, backend=backend)
    run(where, as_json=json, show_token=show_token)


def rights(file: File = Path(), target: Target = "", env: Env = None, set: Set = None) -> None:
    """Print the IAM policy or role that the deploying user needs, in the platform's own format.

    Example: unmoor rights -t aws-ecs -e prod > deployer.json
    """
    from unmoor.cli.commands.rights import run
    from unmoor.cli.inputs.set_values import changes

    run(file, env, target, changes(set))
