"""The gateway's email tasks: its inboxes and its outbox."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from unmoor.runtime.config import Mailbox
from unmoor.runtime.gateway.triggers.intake import Intake

from .inbox import Inbox
from .outbox import Outbox


def mail_tasks(
    intake: Intake,
    secrets: Mapping[str, str],
    context: ssl.SSLContext | None,
    *,
    connection: Callable[[str, bool], None],
) -> list[Coroutine[Any, Any, None]]:
    """The tasks that run while the gateway serves: an inbox for each email trigger, and the outbox if any mailbox sends
    replies. `connection` receives whether a trigger's mailbox is connected."""
    agent = intake.bundle.agent
    if not agent.mailboxes:
        return []
    tls = context or ssl.create_default_context()
    passwords = {mailbox.name: secrets[mailbox.password] for mailbox in agent.mailboxes}
    inboxes = [_inbox(intake, mailbox, passwords[mailbox.name], tls, connection) for mailbox in agent.mailboxes]
    replying = {mailbox.name: mailbox for mailbox in agent.mailboxes if mailbox.smtp_host}
    if not replying:
        return [inbox.run() for inbox in inboxes]
    outbox = Outbox(
        store=intake.store, mailboxes=replying, passwords=passwords, context=tls, clock=intake.clock, log=intake.log
    )
    intake.dispatcher.on_end(outbox.on_run_end)
    return [*(inbox.run() for inbox in inboxes), outbox.run()]


def _inbox(
    intake: Intake, mailbox: Mailbox, password: str, tls: ssl.SSLContext, connection: Callable[[str, bool], None]
) -> Inbox:
    trigger = next(trigger for trigger in intake.bundle.agent.triggers if trigger.name == mailbox.name)
    return Inbox(trigger=trigger, mailbox=mailbox, password=password, intake=intake, context=tls, connection=connection)
