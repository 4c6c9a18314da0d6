"""The page of the command line: what each command says of itself."""

from __future__ import annotations

from docs_markdown import GENERATED
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from unmoor.cli.app import app


def cli_page() -> str:
    """The whole page: `--help` of the program and of each command, at 80 columns."""
    program = get_command(app)
    assert isinstance(program, TyperGroup)
    lines = [GENERATED, "", "# The command line", "", "```text", _help(), "```", ""]
    for name in program.commands:
        lines += [f"## unmoor {name}", "", "```text", _help(name), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def _help(*command: str) -> str:
    result = CliRunner().invoke(app, [*command, "--help"], prog_name="unmoor", catch_exceptions=False)
    return "\n".join(line.rstrip() for line in result.output.strip().splitlines())
