"""The commands that operate a deployed agent, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmoor.cli.options import Backend, Env, File, Json, Target

if TYPE_CHECKING:
    from unmoor.operate.connect import AgentLocation

Url = Annotated[
    str, typer.Option("--url", metavar="URL", help="The gateway's address; the token is read from UNMOOR_TOKEN.")
]
Store = Annotated[
    str, typer.Option("--store", metavar="URL", help="Read the store directly, for example if the gateway is down.")
]
Since = Annotated[str, typer.Option("--since", metavar="DURATION", help="How far back to look, such as 30d or 12h.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Maximum number of entries.")]
OnlyTrigger = Annotated[str, typer.Option("--trigger", metavar="NAME", help="Only runs of this trigger.")]
FileAndRun = Annotated[
    list[str] | None, typer.Argument(metavar="[FILE] [RUN]", help="The spec, and a run ID.", show_default=False)
]


def trigger(
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE] [PROMPT]",
            help="The spec, and the prompt; - reads it from standard input.",
            show_default=False,
        ),
    ] = None,
    env: Env = None,
    target: Target = "",
    backend: Backend = "",
    url: Url = "",
    store: Store = "",
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Read the prompt from a file.")] = None,
    session: Annotated[str, typer.Option("--session", help="Continue the session with this key.")] = "",
    hook: Annotated[
        str, typer.Option("--hook", metavar="NAME", help="Send this webhook instead, with a new signature.")
    ] = "",
    body: Annotated[
        Path | None, typer.Option("--body", metavar="FILE", help="The webhook's body; - reads it from standard input.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", metavar="'NAME: VALUE'", help="A header of the webhook; repeatable.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Print the run's log, and exit 0 only if the run succeeds.")
    ] = False,
    json: Json = False,
) -> None:
    """Start a run of a deployed agent with a prompt or a recorded webhook, and print the run's ID.

    Example: unmoor trigger -t aws-ecs "Triage issue 7" --follow
    """
    from unmoor.cli.inputs.arguments import file_and_prompt, headers_of, prompt_from, recorded_webhook

    spec, text = file_and_prompt(given or [], has_prompt=not (hook or file))
    webhook = recorded_webhook(hook, body, headers_of(header or []), session=session, prompt=file)
    if webhook and store:
        raise typer.BadParameter("only the gateway can receive a webhook; remove --store", param_hint="--store")
    where = _where(spec, env, target, backend, url, store)
    from unmoor.cli.commands.trigger import TriggerRequest, run

    prompt = "" if webhook else prompt_from(text, file)
    options = TriggerRequest(prompt=prompt, session=session, webhook=webhook)
    raise typer.Exit(run(where, options, follow=follow, as_json=json))


def runs(
    file: File = Path(),
    env: Env = None,
    target: Target = "",
    backend: Backend = "",
    url: Url = "",
    store: Store = "",
    status: Annotated[
        list[str] | None, typer.Option("--status", help="Only runs with this status; repeatable.")
    ] = None,
    trigger: OnlyTrigger = "",
    since: Since = "",
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List the runs of a deployed agent, newest first.

    Example: unmoor runs -t gcp-cloud-run --status failed --since 7d
    """
    from datetime import UTC, datetime

    from unmoor.cli.inputs.arguments import validate_choices
    from unmoor.cli.render.times import since as since_of

    now = datetime.now(UTC)
    from unmoor.cli.commands.runs import RunFilter, run
    from unmoor.runtime.state.run_record import STATUSES

    statuses = validate_choices(status or [], STATUSES, option="--status")
    options = RunFilter(statuses=statuses, trigger=trigger, since=since_of(since, now), limit=limit)
    run(_where(file, env, target, backend, url, store), options, as_json=json, now=now)


def logs(
    given: FileAndRun = None,
    env: Env = None,
    target: Target = "",
    backend: Backend = "",
    url: Url = "",
    store: Store = "",
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Follow the log until the run ends.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print events as JSON lines.")] = False,
) -> None:
    """Print the log of a run, by default the newest. Times are in UTC.

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
    """Cancel a run: a queued run at once, a running one within seconds.

    Example: unmoor cancel -t aws-ecs run-ybqr5rxvt-5z939m3
    """
    from unmoor.cli.inputs.arguments import file_and_run

    spec, run_id = file_and_run(given or [])
    if not run_id:
        raise typer.BadParameter("name the run; unmoor runs lists them", param_hint="RUN")
    from unmoor.cli.commands.cancel import run

    run(_where(spec, env, target, backend, url, store), run_id, as_json=json)


def deliveries(
    file: File = Path(),
    env: Env = None,
    target: Target = "",
    backend: Backend = "",
    url: Url = "",
    store: Store = "",
    trigger: Annotated[str, typer.Option("--trigger", metavar="NAME", help="Only deliveries to this trigger.")] = "",
    outcome: Annotated[
        list[str] | None, typer.Option("--outcome", help="Only deliveries with this outcome; repeatable.")
    ] = None,
    since: Since = "",
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List the deliveries to an agent's triggers and their outcomes, newest first.

    Example: unmoor deliveries -t aws-ecs --outcome refused
    """
    from datetime import UTC, datetime

    from unmoor.cli.commands.deliveries import DeliveryFilter, run
    from unmoor.cli.inputs.arguments import validate_choices
    from unmoor.cli.render.times import since as since_of
    from unmoor.runtime.state.delivery_log import OUTCOMES

    outcomes = validate_choices(outcome or [], OUTCOMES, option="--outcome")
    at = since_of(since, datetime.now(UTC))
    options = DeliveryFilter(outcomes=outcomes, trigger=trigger, since=at, limit=limit)
    run(_where(file, env, target, backend, url, store), options, as_json=json)


def verify(
    file: File = Path(),
    env: Env = None,
    target: Target = "",
    backend: Backend = "",
    self_test: Annotated[
        bool, typer.Option("--self-test/--no-self-test", help="Start a run without model calls and wait for its end.")
    ] = True,
    timeout: Annotated[str, typer.Option("--timeout", metavar="DURATION", help="Maximum wait for each step.")] = "10m",
    json: Annotated[bool, typer.Option("--json", help="Print each step as a JSON line.")] = False,
) -> None:
    """Check that the deployed revision is serving, then run a self-test from webhook to result.

    Example: unmoor verify -t aws-ecs -e prod
    """
    from unmoor.cli.render.times import duration

    timeout_s = duration(timeout, option="--timeout")
    where = _where(file, env, target, backend, "", "")
    from unmoor.cli.commands.verify import run
    from unmoor.operate.verify import Patience

    patience = Patience(revision_s=timeout_s, gateway_s=timeout_s, self_test_s=timeout_s)
    raise typer.Exit(run(where, self_test=self_test, patience=patience, as_json=json))


def doctor(
    file: Annotated[
        Path | None, typer.Argument(help="The spec, or the folder that holds an unmoor.yaml.", show_default=False)
    ] = None,
    env: Env = None,
    target: Annotated[str, typer.Option("-t", "--target", help="Also check the requirements of this target.")] = "",
    json: Json = False,
    install: Annotated[
        bool, typer.Option("--install", help="Install Pulumi's CLI and plugins if they are missing.")
    ] = False,
) -> None:
    """Check this machine's requirements for deploying, and print how to fix what is missing.

    Example: unmoor doctor -t aws-ecs
    """
    from unmoor.cli.commands.doctor import run

    raise typer.Exit(run(file, env, target, as_json=json, installing=install))


def _where(file: Path, env: str | None, target: str, backend: str, url: str, store: str) -> AgentLocation:
    """The agent's location, after checking that the client's requirements are installed."""
    from unmoor.cli.inputs.requirements import require_pulumi, require_runtime
    from unmoor.operate.connect import AgentLocation

    if store:
        require_runtime("--store")
    elif not url:
        require_pulumi()
    return AgentLocation(file=file, environment=env, target=target, backend=backend, url=url, store=store)
