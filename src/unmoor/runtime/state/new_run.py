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


def run_from_trigger(
    bundle: UnpackedBundle, trigger: Trigger, *, run: str, delivery: str, now: datetime, event: Any, redact: Redact
) -> RunRecord:
    """A queued run that the trigger starts for this event, with every secret redacted."""
    agent = bundle.agent
    roots = {
        "event": event,
        "trigger": {"name": trigger.name, "kind": trigger.kind},
        "agent": {"name": agent.name, "environment": agent.environment},
    }
    return new_queued_run(
        bundle,
        run=run,
        delivery=redact(delivery),
        now=now,
        trigger=trigger.name,
        kind=trigger.kind,
        prompt=redact(render(trigger.prompt, roots, nonce=secrets.token_hex(8))),
        session="" if trigger.kind == SELF_TEST else redact(render_key(agent.run.session or "", roots)),
    )


def new_queued_run(
    bundle: UnpackedBundle,
    *,
    run: str,
    now: datetime,
    trigger: str,
    kind: str,
    prompt: str,
    session: str,
    delivery: str = "",
) -> RunRecord:
    """The record; its prompt and session key must be redacted already."""
    return RunRecord(
        id=run,
        agent=bundle.agent.name,
        environment=bundle.agent.environment,
        status="queued",
        trigger=trigger,
        kind=kind,
        prompt=prompt,
        session=session,
        delivery=delivery,
        created_at=now,
        **bundle_facts(bundle),
    )


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
