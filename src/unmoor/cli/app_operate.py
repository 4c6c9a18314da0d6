"""The commands that operate an agent that is deployed, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmoor.cli.options import Backend, Env, File, Json, Target

if TYPE_CHECKING:
    from unmoor.operate.connect import AgentLocation

Url = Annotated[
    str, typer.Option("--url", metavar="URL", help="The gateway's address; its token is read from UNMOOR_TOKEN.")
]
Store = Annotated[
    str, typer.Option("--store", metavar="URL", help="Ask the store itself, as where the gateway is down.")
]
Since = Annotated[str, typer.Option("--since", metavar="DURATION", help="How far back, such as 30d or 12h.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many at most.")]
OnlyTrigger = Annotated[str, typer.Option("--trigger", metavar="NAME", help="Only what that trigger started.")]
FileAndRun = Annotated[
    list[str] | None, typer.Argument(metavar="[FILE] [RUN]", help="The spec, and a run's id.", show_default=False)
]


def trigger(
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE] [PROMPT]", help="The spec, and what the agent is to do; - reads it.", show_default=False
        ),
    ] = None,
    env: Env = None,
    target: Target = "",
    backend: Backend = "",
    url: Url = "",
    store: Store = "",
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Read the prompt from a file.")] = None,
    session: Annotated[str, typer.Option("--session", help="Go on with the session of that key.")] = "",
    hook: Annotated[str, typer.Option("--hook", metavar="NAME", help="Send a webhook instead, signed anew.")] = "",
    body: Annotated[Path | None, typer.Option("--body", metavar="FILE", help="The webhook's body; - reads it.")] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", metavar="'NAME: VALUE'", help="A header of it; several times.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Print its log, and exit 0 only if it succeeds.")] = False,
    json: Json = False,
) -> None:
    """Start a run of an agent that is deployed, by a prompt or by a recorded webhook, and print its id.

    Example: unmoor trigger -t aws-ecs "Triage issue 7" --follow
    """
    from unmoor.cli.inputs.arguments import file_and_prompt, headers_of, prompt_from, recorded_webhook

    spec, said = file_and_prompt(given or [], has_prompt=not (hook or file))
    webhook = recorded_webhook(hook, body, headers_of(header or []), session=session, prompt=file)
    if webhook and store:
        raise typer.BadParameter("the gateway takes webhooks, and no store; leave it out", param_hint="--store")
    where = _where(spec, env, target, backend, url, store)
    from unmoor.cli.commands.trigger import TriggerRequest, run

    prompt = "" if webhook else prompt_from(said, file)
    wanted = TriggerRequest(prompt=prompt, session=session, webhook=webhook)
    raise typer.Exit(run(where, wanted, follow=follow, as_json=json))


def runs(
    file: File = Path(),
    env: Env = None,
    target: Target = "",
    backend: Backend = "",
    url: Url = "",
    store: Store = "",
    status: Annotated[
        list[str] | None, typer.Option("--status", help="Only runs of that status; several times for more.")
    ] = None,
    trigger: OnlyTrigger = "",
    since: Since = "",
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List the runs of an agent that is deployed, the newest first.

    Example: unmoor runs -t gcp-cloud-run --status failed --since 7d
    """
    from datetime import UTC, datetime

    from unmoor.cli.inputs.arguments import validate_choices
    from unmoor.cli.render.times import since as since_of

    now = datetime.now(UTC)
    from unmoor.cli.commands.runs import RunFilter, run
    from unmoor.runtime.state.run_record import STATUSES

    statuses = validate_choices(status or [], STATUSES, option="--status")
    wanted = RunFilter(statuses=statuses, trigger=trigger, since=since_of(since, now), limit=limit)
    run(_where(file, env, target, backend, url, store), wanted, as_json=json, now=now)


def logs(
    given: FileAndRun = None,
    env: Env = None,
    target: Target = "",
    backend: Backend = "",
    url: Url = "",
    store: Store = "",
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the run has ended.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print events as JSON lines.")] = False,
) -> None:
    """Print what happened in a run, or in the newest one. Times are in UTC.

    Example: unmoor logs -t vm-docker -f
    """
    from unmoor.cli.inputs.arguments import file_and_run

    spec, run_id = file_and_run(given or [])
    from unmoor.cli.commands.logs import run

    run(_where(spec, env, target, backend, url, store), run_id, follow=follow, as_json=json)


def cancel(
    given: FileAndRun = None,
    env: Env = None,
    target: Target = "",
    backend: Backend = "",
    url: Url = "",
    store: Store = "",
    json: Json = False,
) -> None:
    """End a run: at once where it waits, within seconds where it runs.

    Example: unmoor cancel -t aws-ecs run-ybqr5rxvt-5z939m3
    """
    from unmoor.cli.inputs.arguments import file_and_run

    spec, run_id = file_and_run(given or [])
    if not run_id:
        raise typer.BadParameter("say which run; unmoor runs lists them", param_hint="RUN")
    from unmoor.cli.commands.cancel import run

    run(_where(spec, env, target, backend, url, store), run_id, as_json=json)


def deliveries(
    file: File = Path(),
    env: Env = None,
    target: Target = "",
    backend: Backend = "",
    url: Url = "",
    store: Store = "",
    trigger: Annotated[str, typer.Option("--trigger", metavar="NAME", help="Only what came to that trigger.")] = "",
    outcome: Annotated[
        list[str] | None, typer.Option("--outcome", help="Only those of that outcome; several times for more.")
    ] = None,
    since: Since = "",
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List what came to an agent's triggers, the newest first, and what became of it.

    Example: unmoor deliveries -t aws-ecs --outcome refused
    """
    from datetime import UTC, datetime

    from unmoor.cli.commands.deliveries import DeliveryFilter, run
    from unmoor.cli.inputs.arguments import validate_choices
    from unmoor.cli.render.times import since as since_of
    from unmoor.runtime.state.delivery_log import OUTCOMES

    outcomes = validate_choices(outcome or [], OUTCOMES, option="--outcome")
    at = since_of(since, datetime.now(UTC))
    wanted = DeliveryFilter(outcomes=outcomes, trigger=trigger, since=at, limit=limit)
    run(_where(file, env, target, backend, url, store), wanted, as_json=json)


def verify(
    file: File = Path(),
    env: Env = None,
    target: Target = "",
    backend: Backend = "",
    self_test: Annotated[
        bool, typer.Option("--self-test/--no-self-test", help="Start a run that asks no model, and see it end.")
    ] = True,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="DURATION", help="How long each step is waited for at most.")
    ] = "10m",
    json: Annotated[bool, typer.Option("--json", help="Print each step as a line of JSON.")] = False,
) -> None:
    """Say whether what runs is what was deployed, and prove that a run is started and ends.

    Example: unmoor verify -t aws-ecs -e prod
    """
    from unmoor.cli.render.times import duration

    most = duration(timeout, option="--timeout")
    where = _where(file, env, target, backend, "", "")
    from unmoor.cli.commands.verify import run
    from unmoor.operate.verify import Patience

    patience = Patience(revision_s=most, gateway_s=most, self_test_s=most)
    raise typer.Exit(run(where, self_test=self_test, patience=patience, as_json=json))


def doctor(
    file: Annotated[
        Path | None, typer.Argument(help="The spec, or the folder that holds an unmoor.yaml.", show_default=False)
    ] = None,
    env: Env = None,
    target: Annotated[str, typer.Option("-t", "--target", help="Look at what that target needs as well.")] = "",
    json: Json = False,
    install: Annotated[
        bool, typer.Option("--install", help="Have Pulumi install its CLI and plugins where they are missing.")
    ] = False,
) -> None:
    """Say whether this machine has what deploying needs, and what to do where it has not.

    Example: unmoor doctor -t aws-ecs
    """
    from unmoor.cli.commands.doctor import run

    raise typer.Exit(run(file, env, target, as_json=json, installing=install))


def _where(file: Path, env: str | None, target: str, backend: str, url: str, store: str) -> AgentLocation:
    """Where the agent is, once it is sure that what is needed to ask there is installed."""
    from unmoor.cli.inputs.requirements import require_pulumi, require_runtime
    from unmoor.operate.connect import AgentLocation

    if store:
        require_runtime("--store")
    elif not url:
        require_pulumi()
    return AgentLocation(file=file, environment=env, target=target, backend=backend, url=url, store=store)
