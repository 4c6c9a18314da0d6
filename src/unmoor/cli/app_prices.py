"""`unmoor prices` and its options."""

from __future__ import annotations

from typing import Annotated

import typer

from unmoor.cli.options import Json, SomeTargets

prices = typer.Typer(help="List the price books, or make them new.", invoke_without_command=True, rich_markup_mode=None)


@prices.callback()
def list_prices(context: typer.Context, json: Json = False) -> None:
    """List the targets' price books with their dates and ages; `refresh` reads them anew from the vendors.

    Example: unmoor prices
    """
    if context.invoked_subcommand is not None:
        return
    from datetime import UTC, datetime

    from unmoor.cli.commands.prices import list_books

    list_books(as_json=json, today=datetime.now(UTC).date())


@prices.command("refresh")
def refresh_prices(
    target: SomeTargets = None,
    region: Annotated[
        list[str] | None, typer.Option("--region", metavar="R", help="A region; all that a book has without it.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
) -> None:
    """Read list prices anew from the vendors' price lists, show what differs, and write the books once that is agreed.

    Google's list needs an API key in GOOGLE_BILLING_API_KEY.

    Example: unmoor prices refresh -t aws-ecs --region eu-west-1
    """
    from unmoor.cli.commands.prices import refresh_books

    refresh_books(target or [], region or [], yes=yes)
