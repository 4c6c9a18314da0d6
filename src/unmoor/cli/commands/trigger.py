"""`unmoor trigger`."""

from __future__ import annotations

import json
from dataclasses import dataclass

import typer

from unmoor.cli.commands.logs import events_of, print_events
from unmoor.cli.render.values import print_status
from unmoor.operate.agent import AgentClient
from unmoor.operate.connect import AgentLocation, connect_agent, connect_gateway
from unmoor.operate.webhooks import RecordedWebhook, deliver


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRequest:
    """What to send: a prompt, or a webhook."""

    prompt: str = ""
    session: str = ""
    webhook: RecordedWebhook | None = None


def run(where: AgentLocation, request: TriggerRequest, *, follow: bool, as_json: bool) -> int:
    """Starts a run and prints its ID; with `follow` also its log, returning 0 only on success."""
    if request.webhook is not None:
        return _by_webhook(where, request.webhook, follow=follow, as_json=as_json)
    with connect_agent(where, starting=True) as agent:
        started = agent.start(request.prompt, request.session)
        _print_id(started, as_json=as_json)
        if where.store:
            print_status("queued; the gateway starts it when it is up")
        return _follow(agent, started, as_json=as_json) if follow else 0


def _by_webhook(where: AgentLocation, recorded: RecordedWebhook, *, follow: bool, as_json: bool) -> int:
    agent = connect_gateway(where)
    try:
        delivered = deliver(agent, where.load(), recorded)
        if delivered.filtered:
            print_status(f"filtered, no run started: {delivered.filtered}")
            return 1
        if delivered.is_old:
            print_status("duplicate delivery: the gateway already started this run for it")
        _print_id(delivered.run, as_json=as_json)
        return _follow(agent, delivered.run, as_json=as_json) if follow else 0
    finally:
        agent.close()


def _print_id(run: str, *, as_json: bool) -> None:
    typer.echo(json.dumps({"id": run}) if as_json else run)


def _follow(agent: AgentClient, run: str, *, as_json: bool) -> int:
    try:
        return 0 if print_events(events_of(agent, run), as_json=as_json) == "succeeded" else 1
    except KeyboardInterrupt:
        print_status(f"{run} continues; unmoor cancel {run} ends it")
        return 130
