"""A new run of a bundle's agent: its record as it waits, in no store yet, whatever started it."""

from __future__ import annotations

from datetime import datetime

from .bundle import Unpacked
from .records import RunRecord


def queued_run(
    bundle: Unpacked, *, run: str, now: datetime, trigger: str, kind: str, prompt: str, session: str
) -> RunRecord:
    """The record; prompt and session key come with their secrets taken out."""
    agent = bundle.agent
    return RunRecord(
        id=run,
        agent=agent.name,
        environment=agent.environment,
        bundle=bundle.sha256,
        status="queued",
        trigger=trigger,
        kind=kind,
        prompt=prompt,
        session=session,
        harness=agent.harness.name,
        harness_version=agent.harness.version,
        provider=agent.model.provider if agent.model else "",
        model=agent.model.name if agent.model else "",
        created_at=now,
    )
