"""The command for pull requests, and its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unmoor.cli.options import Backend, Env, File, Provider, SomeTargets


def review(
    file: File = Path(),
    target: SomeTargets = None,
    env: Env = None,
    before: Annotated[
        Path | None,
        typer.Option("--before", metavar="PATH", help="The spec before the change, to compare cost and guarantees."),
    ] = None,
    usage: Annotated[Path | None, typer.Option("--usage", metavar="FILE", help="A usage.yaml.")] = None,
    runs: Annotated[str | None, typer.Option("--runs", metavar="N/month", help="Runs per month.")] = None,
    minutes: Annotated[str | None, typer.Option("--minutes", metavar="N", help="Duration of a run in minutes.")] = None,
    preview: Annotated[
        bool, typer.Option("--preview/--no-preview", help="Preview the resource changes with Pulumi.")
    ] = True,
    post: Annotated[bool, typer.Option("--post", help="Comment on the pull request of this CI job.")] = False,
    backend: Backend = "",
    secrets_provider: Provider = "",
) -> None:
    """Print the effect of a spec change as Markdown: resources, guarantees and cost.

    Example: unmoor review agent -t aws-ecs -e prod --before base/agent --post
    """
    from unmoor.cli.commands.review import ReviewOptions, run
    from unmoor.cli.inputs.requirements import require_pulumi
    from unmoor.cli.inputs.usage import UsageOptions

    if preview:
        require_pulumi()
    options = ReviewOptions(
        environment=env,
        targets=target or [],
        before=before,
        usage=UsageOptions(file=usage, values={"runs": runs, "minutes": minutes}),
        previewing=preview,
        backend=backend,
        secrets_provider=secrets_provider,
        posting=post,
    )
    raise typer.Exit(run(file, options))
