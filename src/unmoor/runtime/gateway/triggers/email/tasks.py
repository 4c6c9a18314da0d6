"""All of a gateway's work with mail: its inboxes, and the answers that it sends."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from unmoor.runtime.gateway.triggers.intake import Intake

from .inbox import Inbox
from .outbox import Outbox


def inboxes_of(
    intake: Intake, secrets: Mapping[str, str], context: ssl.SSLContext, *, connection: Callable[[str, bool], None]
) -> list[Inbox]:
    """An inbox for each email trigger; `connection` hears whether it is there."""
    agent = intake.bundle.agent
    triggers = {trigger.name: trigger for trigger in agent.triggers}
    return [
        Inbox(
            trigger=triggers[mailbox.name],
            mailbox=mailbox,
            password=secrets[mailbox.password],
            intake=intake,
            context=context,
            connection=connection,
        )
        for mailbox in agent.mailboxes
    ]


def outbox_of(intake: Intake, secrets: Mapping[str, str], context: ssl.SSLContext) -> Outbox | None:
    """The outbox; None where the spec sends no answers."""
    answering = {m.name: m for m in intake.bundle.agent.mailboxes if m.smtp_host}
    if not answering:
        return None
    return Outbox(
        store=intake.store,
        mailboxes=answering,
        passwords={name: secrets[mailbox.password] for name, mailbox in answering.items()},
        context=context,
        clock=intake.clock,
        log=intake.log,
    )


def mail_tasks(
    intake: Intake,
    secrets: Mapping[str, str],
    context: ssl.SSLContext | None,
    *,
    connection: Callable[[str, bool], None],
) -> list[Coroutine[Any, Any, None]]:
    """What a gateway does about mail for as long as it serves; nothing where no trigger is a mailbox."""
    if not intake.bundle.agent.mailboxes:
        return []
    trusting = context or ssl.create_default_context()
    inboxes = inboxes_of(intake, secrets, trusting, connection=connection)
    work: list[Coroutine[Any, Any, None]] = [inbox.run() for inbox in inboxes]
    outbox = outbox_of(intake, secrets, trusting)
    if outbox is not None:
        intake.dispatcher.on_end(outbox.on_run_end)
        work.append(outbox.run())
    return work
