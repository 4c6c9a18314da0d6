"""A new run of a bundle's agent: its record as it waits, in no store yet, whatever started it."""

from __future__ import annotations

import secrets
from dataclasses import replace
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
    """A queued run that this trigger starts with what came; what of that is a secret, neither store nor model sees."""
    agent = bundle.agent
    roots = {
        "event": event,
        "trigger": {"name": trigger.name, "kind": trigger.kind},
        "agent": {"name": agent.name, "environment": agent.environment},
    }
    record = new_queued_run(
        bundle,
        run=run,
        now=now,
        trigger=trigger.name,
        kind=trigger.kind,
        prompt=redact(render(trigger.prompt, roots, nonce=secrets.token_hex(8))),
        session="" if trigger.kind == SELF_TEST else redact(render_key(agent.run.session or "", roots)),
    )
    return replace(record, delivery=redact(delivery))


def new_queued_run(
    bundle: UnpackedBundle, *, run: str, now: datetime, trigger: str, kind: str, prompt: str, session: str
) -> RunRecord:
    """The record; prompt and session key come with their secrets taken out."""
    return RunRecord(
        id=run,
        agent=bundle.agent.name,
        environment=bundle.agent.environment,
        status="queued",
        trigger=trigger,
        kind=kind,
        prompt=prompt,
        session=session,
        created_at=now,
        **bundle_facts(bundle),
    )


def bundle_facts(bundle: UnpackedBundle) -> dict[str, Any]:
    """What a record says of the bundle, harness and model that its run is made of."""
    agent = bundle.agent
    return {
        "bundle": bundle.sha256,
        "harness": agent.harness.name,
        "harness_version": agent.harness.version,
        "provider": agent.model.provider if agent.model else "",
        "model": agent.model.name if agent.model else "",
    }
