"""The record of a new queued run, before it is stored."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from unmoor.runtime.config import Trigger
from unmoor.runtime.prompt import render, render_key
from unmoor.runtime.redact import Redact
from unmoor.runtime.self_test_trigger import KIND as SELF_TEST

from .bundle import UnpackedBundle
from .run_record import RunRecord

# The kinds of triggers whose events others write; the rest are unmoor's own.
FROM_OUTSIDE = ("webhook", "email")


def run_from_trigger(
    bundle: UnpackedBundle, trigger: Trigger, *, run: str, delivery: str, now: datetime, event: Any, redact: Redact
) -> RunRecord:
    """A queued run that the trigger starts for this event, with every secret redacted."""
    roots = prompt_roots(bundle, trigger.name, trigger.kind, event)
    outside = ("event",) if trigger.kind in FROM_OUTSIDE else ()
    return new_queued_run(
        bundle,
        run,
        now,
        delivery=redact(delivery),
        trigger=trigger.name,
        kind=trigger.kind,
        prompt=redact(render(trigger.prompt, roots, outside=outside, nonce=secrets.token_hex(8))),
        session="" if trigger.kind == SELF_TEST else redact(render_key(bundle.agent.run.session or "", roots)),
    )


def prompt_roots(bundle: UnpackedBundle, trigger: str, kind: str, event: Any) -> dict[str, Any]:
    """The values that a prompt and a session key may refer to."""
    agent = {"name": bundle.agent.name, "environment": bundle.agent.environment}
    return {"event": event, "trigger": {"name": trigger, "kind": kind}, "agent": agent}


def new_queued_run(bundle: UnpackedBundle, run: str, now: datetime, **fields: Any) -> RunRecord:
    """The record with these fields; its prompt and session key must be redacted already."""
    agent = {"agent": bundle.agent.name, "environment": bundle.agent.environment}
    return RunRecord(id=run, status="queued", created_at=now, **agent, **fields, **bundle_facts(bundle))


def bundle_facts(bundle: UnpackedBundle) -> dict[str, Any]:
    """The fields of a record about its run's bundle, harness and model."""
    agent = bundle.agent
    return {
        "bundle": bundle.sha256,
        "harness": agent.harness.name,
        "harness_version": agent.harness.version,
        "provider": agent.model.provider if agent.model else "",
        "model": agent.model.name if agent.model else "",
    }
