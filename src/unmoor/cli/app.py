"""The commands and their options."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from unmoor.cli.app_cost import compare, cost
from unmoor.cli.app_deploy import down, outputs, preview, refresh, rights, up
from unmoor.cli.app_operate import cancel, deliveries, doctor, logs, runs, trigger, verify
from unmoor.cli.app_prices import prices
from unmoor.cli.app_review import review
from unmoor.cli.app_secrets import secrets
from unmoor.cli.options import Env, File, Json, SomeTargets

app = typer.Typer(
    name="unmoor",
    help="Compile one agent spec into equivalent infrastructure on each installed target.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 success, 1 failure, 2 invalid input. --debug prints the traceback of an error.",
)

OneTarget = Annotated[
    list[str], typer.Option("-t", "--target", help="The target, as `unmoor targets` lists it.", show_default=False)
]


def _version(value: bool) -> None:
    if value:
        from unmoor import __version__

        typer.echo(f"unmoor {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The folder to write to; created if it does not exist.")] = Path(),
    pulumi: Annotated[
        Path | None, typer.Option("--pulumi", help="Write a Pulumi project for the spec into this folder instead.")
    ] = None,
    target: Annotated[str, typer.Option("-t", "--target", help="The target of the Pulumi project.")] = "vm-docker",
    env: Annotated[
        str, typer.Option("-e", "--env", help="The environment of the Pulumi project, and the name of its stack.")
    ] = "dev",
) -> None:
    """Write a first spec, or a Pulumi project for one.

    Example: unmoor init my-agent
    """
    from unmoor.cli.commands.init import write_project, write_spec

    written = write_spec(folder) if pulumi is None else write_project(pulumi, folder, target, env)
    for path in written:
        typer.echo(f"wrote {path}")


@app.command()
def check(file: File = Path(), env: Env = None, target: SomeTargets = None, json: Json = False) -> None:
    """Validate a spec for the given targets, or for every target that it has settings for.

    Example: unmoor check -t aws-ecs
    """
    from unmoor.cli.commands.check import run

    raise typer.Exit(run(file, env, target or [], as_json=json))


@app.command()
def plan(file: File = Path(), env: Env = None, json: Json = False) -> None:
    """Show the plan of an environment: every value, with defaults filled in.

    Example: unmoor plan -e prod
    """
    from unmoor.cli.commands.plan import run

    run(file, env, as_json=json)


@app.command()
def graph(
    target: OneTarget,
    file: File = Path(),
    env: Env = None,
    json: Json = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print a Mermaid flowchart.")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="Print a picture as SVG.")] = False,
    text: Annotated[bool, typer.Option("--text", help="Print every input as sorted lines, for a diff.")] = False,
) -> None:
    """Show the resources that a target creates for a spec, without a cloud account or Pulumi.

    Example: unmoor graph -t gcp-cloud-run --svg > agent.svg
    """
    from unmoor.cli.commands.graph import run

    forms = [name for name, is_set in (("json", json), ("mermaid", mermaid), ("svg", svg), ("text", text)) if is_set]
    if len(forms) > 1:
        raise typer.BadParameter(f"--{forms[0]} and --{forms[1]} exclude each other", param_hint="graph")
    if len(target) > 1:
        raise typer.BadParameter("one target at a time; unmoor compare takes several", param_hint="--target")
    run(file, env, target[0], form=forms[0] if forms else "tree")


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """The app with only the command that the arguments begin with, if any: typer builds every command's parser."""
    only = copy.copy(app)
    only.registered_commands = [
        c for c in app.registered_commands if c.callback and [c.callback.__name__] == [*arguments[:1]]
    ]
    if only.registered_commands:
        only.registered_groups = []
        return only
    return app


app.command()(compare)
app.command()(cost)
app.add_typer(prices, name="prices")
for command in (preview, up, refresh, down, outputs, rights):
    app.command()(command)
for command in (verify, trigger, runs, logs, cancel, deliveries, doctor):
    app.command()(command)
app.command()(review)
app.add_typer(secrets, name="secrets")


@app.command()
def dev(
    file: File = Path(),
    env: Env = None,
    once: Annotated[
        str | None,
        typer.Option(
            "--once", metavar="PROMPT", help="Run the agent once with this prompt; - reads it from standard input."
        ),
    ] = None,
    session: Annotated[str, typer.Option("--session", help="Continue the session with this key.")] = "",
    store: Annotated[
        str, typer.Option("--store", help="The store's URL; default: a folder in your data directory.")
    ] = "",
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="The port to listen on; default 8080, 0 picks a free port."),
    ] = None,
    token: Annotated[str, typer.Option("--token", hidden=True)] = "",
    docker: Annotated[bool, typer.Option("--docker", help="Run in containers with this machine's Docker.")] = False,
    install: Annotated[bool, typer.Option("--install", help="Install the harness with npm if it is missing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print events as JSON lines.")] = False,
) -> None:
    """Serve the agent on this machine, or run it once, without Docker, a cloud account or Pulumi.

    With --once the exit code is 0 if the run succeeded. The API's token is read from UNMOOR_TOKEN, or generated.

    Example: unmoor dev examples/01-hello --once "Good morning"
    """
    from unmoor.cli.inputs.arguments import api_token, prompt_from
    from unmoor.cli.inputs.requirements import require_linux, require_runtime

    require_runtime()
    own_token = api_token(refused=token)
    if docker and install:
        raise typer.BadParameter(
            "the image contains the harness; pass --docker or --install, not both", param_hint="--install"
        )
    if once is None:
        for name, given in (("--session", session), ("--json", json)):
            if given:
                raise typer.BadParameter("needs --once PROMPT", param_hint=name)
        require_linux()
        from unmoor.cli.commands.dev_serve import USUAL_PORT, serve

        at = USUAL_PORT if port is None else port
        if docker:
            from unmoor.cli.commands.dev_docker import serve as serve_in_docker

            raise typer.Exit(serve_in_docker(file, env, port=at, token=own_token, store=store))
        raise typer.Exit(serve(file, env, port=at, token=own_token, store=store, installing=install))
    if port is not None:
        raise typer.BadParameter("a single run does not listen; pass --once or --port, not both", param_hint="--port")
    prompt = prompt_from(once, option="--once")
    if docker:
        from unmoor.cli.commands.dev_docker import once as once_in_docker

        raise typer.Exit(once_in_docker(file, env, prompt, session=session, store=store, as_json=json))
    require_linux()
    from unmoor.cli.commands.dev import once as run_once

    raise typer.Exit(run_once(file, env, prompt, session=session, store=store, as_json=json, installing=install))


@app.command()
def build(
    file: File = Path(),
    env: Env = None,
    tag: Annotated[
        str, typer.Option("--tag", help="The image's name; default: a name derived from its contents.")
    ] = "",
    base: Annotated[str, typer.Option("--base", help="The base image; it needs Node 22 and Debian's packages.")] = "",
) -> None:
    """Build the agent's image with this machine's Docker and print its name.

    Example: unmoor build examples/02-issue-triage
    """
    from unmoor.cli.commands.build import run

    run(file, env, tag=tag, base=base)


@app.command()
def targets(json: Json = False) -> None:
    """List the installed targets and the distribution that provides each.

    Example: unmoor targets --json
    """
    from unmoor.cli.commands.targets import run

    run(as_json=json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the spec, for editors.

    Example: unmoor schema > unmoor.schema.json
    """
    import json as text

    from unmoor.target.json_schema import json_schema

    typer.echo(text.dumps(json_schema(), indent=2, ensure_ascii=False))
