"""`unmoor review`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer

from unmoor.cli.inputs.usage import UsageOptions as AskedUsage
from unmoor.cli.inputs.usage import resolve_usage
from unmoor.deploy.preview import Changes
from unmoor.errors import UnmoorError
from unmoor.review.comment import thread_of, upsert_comment
from unmoor.review.markdown import comment, comment_marker, markdown
from unmoor.review.review import build_review, load_base_spec
from unmoor.spec.load import load
from unmoor.target.registry import load as load_target


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOptions:
    environment: str | None
    targets: Sequence[str]
    before: Path | None
    usage: AskedUsage
    previewing: bool
    backend: str = ""
    secrets_provider: str = ""
    posting: bool = False


def run(file: Path, options: ReviewOptions) -> int:
    """Prints the review and, with --post, posts it; 1 if a target could not be previewed."""
    usage, loaded = resolve_usage(options.usage), load(file, options.environment)
    targets = list(dict.fromkeys(options.targets)) or list(loaded.settings)
    for name in targets:
        load_target(name)
    before = load_base_spec(options.before, options.environment) if options.before is not None else None
    previews = {name: _preview(file, name, options) for name in targets} if options.previewing else {}
    found = build_review(loaded, before, targets, previews, usage=usage, today=datetime.now(UTC).date())
    typer.echo(markdown(found))
    if options.posting:
        done = upsert_comment(thread_of(os.environ), text=comment(found), marker=comment_marker(found))
        typer.echo(f"the comment was {done}", err=True)
    return 1 if any(isinstance(preview, str) for preview in previews.values()) else 0


def _preview(file: Path, target: str, options: ReviewOptions) -> Changes | str:
    """The changes of `up`, or the reason why the preview failed."""
    from unmoor.cli.commands.preview import open_deployment
    from unmoor.stacks.deployment import DeployRequest

    try:
        request = DeployRequest(
            file=file,
            environment=options.environment,
            target=target,
            backend=options.backend,
            secrets_provider=options.secrets_provider,
        )
        return open_deployment(request).preview(lambda event: None)
    except UnmoorError as error:
        typer.echo(str(error), err=True)
        return str(error)
