"""An inbox that is looked after: every new mail becomes a delivery, once, whatever becomes of the connection.

What is done with lies in the store and moves on only after a mail's delivery is durable. So a gateway that is killed
between the two finds the same mail again, and its mark, and there is one run.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.config import Mailbox, Trigger
from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.gateway.triggers.intake import Intake
from unmoor.runtime.logs import stack_summary
from unmoor.runtime.state.delivery_log import Delivery

from .cursor import Cursor, read_cursor, write_cursor
from .delivery import RejectedMail, to_delivery
from .imap import IDLE_S, Imap, MailboxStatus, MessageInfo, connect
from .server import MailServer, MailServerError

STARTTLS_PORT = 143
# Gmail's own limit of what comes in is 50 MB, https://support.google.com/mail/answer/6584; a run's start waits for it.
MOST_MAIL = 25 * 1024 * 1024
# A server without IDLE is asked this often.
POLL_S = 60.0
# How long until the next connection after one that failed: the first, and the longest.
BACKOFF = Backoff(first_s=1.0, cap_s=300.0)
# Where UIDs mean nothing any more, mail of this long before the last look is looked at again.
OVERLAP = timedelta(days=2)


@dataclass(slots=True, kw_only=True)
class Inbox:
    """One email trigger's mailbox."""

    trigger: Trigger
    mailbox: Mailbox
    password: str = field(repr=False)
    intake: Intake
    context: ssl.SSLContext
    connection: Callable[[str, bool], None] = lambda trigger, there: None
    _failures: int = 0

    async def run(self) -> None:
        """Looks after it until it is cancelled, connecting again as often as it must."""
        while True:
            self._failures += 1  # until a mailbox is read again
            try:
                await self._attend()
            except (MailServerError, UnmoorRuntimeError) as fault:
                self._complain(f"mailbox: {fault}", again_s=round(BACKOFF.pause_s(self._failures)))
            except Exception as error:  # whatever it is, mail that comes must not wait for ever
                self._complain("the mailbox failed", error=type(error).__name__, where=stack_summary(error))
            finally:
                self.connection(self.trigger.name, False)
            await asyncio.sleep(BACKOFF.pause_s(self._failures))

    @property
    def place(self) -> MailServer:
        port = self.mailbox.port
        return MailServer(host=self.mailbox.host, port=port, starttls=port == STARTTLS_PORT)

    async def _attend(self) -> None:
        async with connect(self.place, self.mailbox.user, self.password, self.context) as imap:
            opened = await imap.open_inbox()
            cursor, since = await self._cursor(opened)
            self.connection(self.trigger.name, True)
            self.intake.log("mailbox is read", trigger=self.trigger.name, server=str(self.place))
            while True:
                for uid in await self._new(imap, cursor, since):
                    cursor = await self._handled(imap, uid, cursor)
                self._failures = 1
                await imap.wait(IDLE_S, POLL_S)

    async def _cursor(self, opened: MailboxStatus) -> tuple[Cursor, datetime | None]:
        """Where it goes on, and since when mail is looked at where its numbers say nothing. A mailbox that is read for
        the first time begins with the mail that comes from now on."""
        now = self.intake.clock()
        account = f"{self.mailbox.user}@{self.mailbox.host}"
        cursor = await read_cursor(self.intake.store, self.trigger.name)
        if cursor is None or cursor.account != account:
            cursor = Cursor(account=account, validity=opened.validity, uid=opened.next - 1, at=now)
            await write_cursor(self.intake.store, self.trigger.name, cursor)
        elif cursor.validity != opened.validity:
            self._complain("the mailbox's numbers are new ones")
            return replace(cursor, validity=opened.validity, uid=0), cursor.at - OVERLAP
        return cursor, None

    async def _new(self, imap: Imap, cursor: Cursor, since: datetime | None) -> list[int]:
        criteria = f"UID {cursor.uid + 1}:*"
        if since is not None:
            criteria += f" SINCE {since.strftime('%d-%b-%Y')}"  # in English, as the RFC wants it
        # `n:*` names the newest mail also where it is below n.
        return [uid for uid in await imap.search(criteria) if uid > cursor.uid]

    async def _handled(self, imap: Imap, uid: int, cursor: Cursor) -> Cursor:
        """The cursor after this mail, which is done with then; another gateway may have been quicker."""
        stored = await read_cursor(self.intake.store, self.trigger.name)
        moved = replace(cursor, uid=uid, at=self.intake.clock())
        if stored is not None and stored.validity == cursor.validity and stored.uid >= uid:
            return moved
        about = await imap.about(uid)
        if about is not None and (unwanted := self._unread(uid, about)):
            await self._note(unwanted)
        elif about is not None and (content := await imap.fetch(uid, most=MOST_MAIL * 2)) is not None:
            await self._take(uid, content)
        await write_cursor(self.intake.store, self.trigger.name, moved)
        return moved

    def _unread(self, uid: int, about: MessageInfo) -> RejectedMail | None:
        """Why a mail is not even read."""
        kept = timedelta(seconds=self.intake.bundle.agent.retention_runs_s)
        if about.size_bytes > MOST_MAIL:
            most = MOST_MAIL // 1024**2
            reason = f"it is {about.size_bytes / 1024**2:.0f} MiB long, and {most} MiB are read at most"
            return RejectedMail(id=f"uid {uid}", outcome="refused", reason=reason)
        if self.intake.clock() - about.received > kept:
            came = f"it came on {about.received.date().isoformat()}, longer ago than retention.runs"
            return RejectedMail(
                id=f"uid {uid}", outcome="filtered", reason=f"{came}: nobody knows whether it had its run"
            )
        return None

    async def _take(self, uid: int, content: bytes) -> None:
        try:
            came = await asyncio.to_thread(to_delivery, content, self.trigger, self.mailbox)
        except Exception as error:  # one mail must not keep all that come after it
            self._complain(
                "a mail failed", delivery=f"uid {uid}", error=type(error).__name__, where=stack_summary(error)
            )
            came = RejectedMail(
                id=f"uid {uid}", outcome="refused", reason="the gateway failed at it; its log says where"
            )
        if isinstance(came, RejectedMail):
            await self._note(came)
        else:
            await self.intake.ingest(came)

    def _complain(self, text: str, **fields: Any) -> None:
        self.intake.log(text, level="warning", trigger=self.trigger.name, **fields)

    async def _note(self, unwanted: RejectedMail) -> None:
        self.intake.log(
            f"mail {unwanted.outcome}", trigger=self.trigger.name, delivery=unwanted.id, reason=unwanted.reason
        )
        await self.intake.deliveries.append(
            Delivery(
                id=self.intake.redact(unwanted.id),
                trigger=self.trigger.name,
                kind="email",
                at=self.intake.clock(),
                outcome=unwanted.outcome,
                reason=self.intake.redact(unwanted.reason),
            )
        )
