"""`unmoor review`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer

from unmoor.cli.usage import Asked as AskedUsage
from unmoor.cli.usage import usage_of
from unmoor.deploy.changes import Changes
from unmoor.errors import UnmoorError
from unmoor.load import load
from unmoor.registry import load as load_target
from unmoor.review.post import post, thread_of
from unmoor.review.review import earlier, reviewed
from unmoor.review.words import comment, mark, markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a review is asked for beside the spec."""

    environment: str | None
    targets: Sequence[str]
    before: Path | None
    usage: AskedUsage
    previewing: bool
    backend: str = ""
    secrets_provider: str = ""
    posting: bool = False


def run(file: Path, wanted: Wanted) -> int:
    """Prints the review, and posts it where that is asked for; 1 where a target could not be previewed."""
    usage, loaded = usage_of(wanted.usage), load(file, wanted.environment)
    targets = list(dict.fromkeys(wanted.targets)) or list(loaded.settings)
    for name in targets:
        load_target(name)
    before = earlier(wanted.before, wanted.environment) if wanted.before is not None else None
    previews = {name: _preview(file, name, wanted) for name in targets} if wanted.previewing else {}
    found = reviewed(loaded, before, targets, previews, usage=usage, today=datetime.now(UTC).date())
    typer.echo(markdown(found))
    if wanted.posting:
        done = post(thread_of(os.environ), text=comment(found), mark=mark(found))
        typer.echo(f"the comment was {done}", err=True)
    return 1 if any(isinstance(preview, str) for preview in previews.values()) else 0


def _preview(file: Path, target: str, wanted: Wanted) -> Changes | str:
    """What `up` would change, or the reason for which that cannot be said."""
    from unmoor.cli.preview import opened
    from unmoor.stacks.deployment import Asked

    try:
        asked = Asked(
            file=file,
            environment=wanted.environment,
            target=target,
            backend=wanted.backend,
            secrets_provider=wanted.secrets_provider,
        )
        return opened(asked).preview(lambda event: None)
    except UnmoorError as error:
        typer.echo(str(error), err=True)
        return str(error)
