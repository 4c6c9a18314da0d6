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
        Path | None, typer.Option("--before", metavar="PATH", help="The spec as it was, for money and promises.")
    ] = None,
    usage: Annotated[Path | None, typer.Option("--usage", metavar="FILE", help="A usage.yaml.")] = None,
    runs: Annotated[str | None, typer.Option("--runs", metavar="N/month", help="Runs a month.")] = None,
    minutes: Annotated[str | None, typer.Option("--minutes", metavar="N", help="Minutes that a run takes.")] = None,
    preview: Annotated[bool, typer.Option("--preview/--no-preview", help="Ask an engine what would change.")] = True,
    post: Annotated[bool, typer.Option("--post", help="Comment on the pull request that CI runs for.")] = False,
    backend: Backend = "",
    secrets_provider: Provider = "",
) -> None:
    """Say what a change would change, as Markdown: resources, promises and money.

    Example: unmoor review agent -t aws-ecs -e prod --before base/agent --post
    """
    from unmoor.cli.commands.review import ReviewOptions, run
    from unmoor.cli.inputs.requirements import require_pulumi
    from unmoor.cli.inputs.usage import UsageOptions

    if preview:
        require_pulumi()
    wanted = ReviewOptions(
        environment=env,
        targets=target or [],
        before=before,
        usage=UsageOptions(file=usage, values={"runs": runs, "minutes": minutes}),
        previewing=preview,
        backend=backend,
        secrets_provider=secrets_provider,
        posting=post,
    )
    raise typer.Exit(run(file, wanted))
