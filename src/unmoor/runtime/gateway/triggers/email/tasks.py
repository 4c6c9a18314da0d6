"""The gateway's email tasks: its inboxes and its outbox."""

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
    """An inbox for each email trigger; `connection` receives whether it is connected."""
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
    """The outbox; None where no mailbox sends replies."""
    replying = {m.name: m for m in intake.bundle.agent.mailboxes if m.smtp_host}
    if not replying:
        return None
    return Outbox(
        store=intake.store,
        mailboxes=replying,
        passwords={name: secrets[mailbox.password] for name, mailbox in replying.items()},
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
    """The tasks that run while the gateway serves; none without email triggers."""
    if not intake.bundle.agent.mailboxes:
        return []
    tls = context or ssl.create_default_context()
    inboxes = inboxes_of(intake, secrets, tls, connection=connection)
    work: list[Coroutine[Any, Any, None]] = [inbox.run() for inbox in inboxes]
    outbox = outbox_of(intake, secrets, tls)
    if outbox is not None:
        intake.dispatcher.on_end(outbox.on_run_end)
        work.append(outbox.run())
    return work
