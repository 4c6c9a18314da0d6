"""The gateway's email tasks: its inboxes and its outbox."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

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
    triggers = {trigger.name: trigger for trigger in agent.triggers}
    passwords = {mailbox.name: secrets[mailbox.password] for mailbox in agent.mailboxes}
    inboxes = [
        Inbox(
            trigger=triggers[mailbox.name],
            mailbox=mailbox,
            password=passwords[mailbox.name],
            intake=intake,
            context=tls,
            connection=connection,
        )
        for mailbox in agent.mailboxes
    ]
    replying = {mailbox.name: mailbox for mailbox in agent.mailboxes if mailbox.smtp_host}
    if not replying:
        return [inbox.run() for inbox in inboxes]
    outbox = Outbox(
        store=intake.store, mailboxes=replying, passwords=passwords, context=tls, clock=intake.clock, log=intake.log
    )
    intake.dispatcher.on_end(outbox.on_run_end)
    return [*(inbox.run() for inbox in inboxes), outbox.run()]
