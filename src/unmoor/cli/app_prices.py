"""`unmoor prices` and its options."""

from __future__ import annotations

from typing import Annotated

import typer

from unmoor.cli.options import Json, SomeTargets

prices = typer.Typer(help="List the price books, or refresh them.", invoke_without_command=True, rich_markup_mode=None)


@prices.callback()
def list_prices(context: typer.Context, json: Json = False) -> None:
    """List the targets' price books with their dates and ages; `refresh` updates them from the vendors.

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
        list[str] | None, typer.Option("--region", metavar="R", help="A region; default: every region in the book.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Skip the confirmation prompt.")] = False,
) -> None:
    """Read the vendors' current list prices, show what differs, and update the books after confirmation.

    Google's list needs an API key in GOOGLE_BILLING_API_KEY.

    Example: unmoor prices refresh -t aws-ecs --region eu-west-1
    """
    from unmoor.cli.commands.prices import refresh_books

    refresh_books(target or [], region or [], yes=yes)
