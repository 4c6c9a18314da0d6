"""Reads an inbox: every new email becomes one delivery, whatever happens to the connection.

The cursor is in the store and moves only after an email's delivery is durable. A gateway that is killed in between
reads the same email again, finds its dedup key, and starts no second run.
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
# Gmail accepts up to 50 MB, https://support.google.com/mail/answer/6584; a run's start waits for the download.
MOST_MAIL = 25 * 1024 * 1024
# A server without IDLE is polled this often.
POLL_S = 60.0
# Backoff between connections.
BACKOFF = Backoff(first_s=1.0, cap_s=300.0)
# When UIDs become invalid, email from this long before the last look is read again.
OVERLAP = timedelta(days=2)


@dataclass(slots=True, kw_only=True)
class Inbox:
    """The mailbox of one email trigger."""

    trigger: Trigger
    mailbox: Mailbox
    password: str = field(repr=False)
    intake: Intake
    context: ssl.SSLContext
    connection: Callable[[str, bool], None] = lambda trigger, connected: None
    _failures: int = 0

    async def run(self) -> None:
        """Reads the mailbox until it is cancelled, and reconnects after errors."""
        while True:
            self._failures += 1  # until a mailbox is read again
            try:
                await self._read_new()
            except (MailServerError, UnmoorRuntimeError) as error:
                self._warn(f"mailbox: {error}", again_s=round(BACKOFF.pause_s(self._failures)))
            except Exception as error:  # later email must not be blocked
                self._warn("mailbox: unexpected error", error=type(error).__name__, where=stack_summary(error))
            finally:
                self.connection(self.trigger.name, False)
            await asyncio.sleep(BACKOFF.pause_s(self._failures))

    @property
    def server(self) -> MailServer:
        port = self.mailbox.port
        return MailServer(host=self.mailbox.host, port=port, starttls=port == STARTTLS_PORT)

    async def _read_new(self) -> None:
        async with connect(self.server, self.mailbox.user, self.password, self.context) as imap:
            opened = await imap.open_inbox()
            cursor, since = await self._cursor(opened)
            self.connection(self.trigger.name, True)
            self.intake.log("mailbox connected", trigger=self.trigger.name, server=str(self.server))
            while True:
                for uid in await self._new(imap, cursor, since):
                    cursor = await self._handle(imap, uid, cursor)
                self._failures = 1
                await imap.wait(IDLE_S, POLL_S)

    async def _cursor(self, opened: MailboxStatus) -> tuple[Cursor, datetime | None]:
        """The cursor, and the date to search from where UIDs have become invalid. A new mailbox starts with the email
        that arrives from now on."""
        now = self.intake.clock()
        account = f"{self.mailbox.user}@{self.mailbox.host}"
        cursor = await read_cursor(self.intake.store, self.trigger.name)
        if cursor is None or cursor.account != account:
            cursor = Cursor(account=account, validity=opened.validity, uid=opened.next - 1, at=now)
            await write_cursor(self.intake.store, self.trigger.name, cursor)
        elif cursor.validity != opened.validity:
            self._warn("mailbox: UIDVALIDITY changed; reading recent email again")
            return replace(cursor, validity=opened.validity, uid=0), cursor.at - OVERLAP
        return cursor, None

    async def _new(self, imap: Imap, cursor: Cursor, since: datetime | None) -> list[int]:
        criteria = f"UID {cursor.uid + 1}:*"
        if since is not None:
            criteria += f" SINCE {since.strftime('%d-%b-%Y')}"  # in English, as the RFC requires
        # `n:*` includes the newest email even if its UID is below n.
        return [uid for uid in await imap.search(criteria) if uid > cursor.uid]

    async def _handle(self, imap: Imap, uid: int, cursor: Cursor) -> Cursor:
        """Handles one email and returns the moved cursor; another gateway may have handled it already."""
        stored = await read_cursor(self.intake.store, self.trigger.name)
        moved = replace(cursor, uid=uid, at=self.intake.clock())
        if stored is not None and stored.validity == cursor.validity and stored.uid >= uid:
            return moved
        info = await imap.message_info(uid)
        if info is not None and (rejected := self._unread_reason(uid, info)):
            await self._log_rejected(rejected)
        elif info is not None and (content := await imap.fetch(uid, most=MOST_MAIL * 2)) is not None:
            await self._ingest(uid, content)
        await write_cursor(self.intake.store, self.trigger.name, moved)
        return moved

    def _unread_reason(self, uid: int, info: MessageInfo) -> RejectedMail | None:
        """Why an email is not fetched."""
        kept = timedelta(seconds=self.intake.bundle.agent.retention.runs_s)
        if info.size_bytes > MOST_MAIL:
            most = MOST_MAIL // 1024**2
            reason = f"it has {info.size_bytes / 1024**2:.0f} MiB; the limit is {most} MiB"
            return RejectedMail(id=f"uid {uid}", outcome="refused", reason=reason)
        if self.intake.clock() - info.received > kept:
            received = f"received on {info.received.date().isoformat()}, longer ago than retention.runs"
            return RejectedMail(
                id=f"uid {uid}", outcome="filtered", reason=f"{received}: it may have had a run already"
            )
        return None

    async def _ingest(self, uid: int, content: bytes) -> None:
        try:
            delivery = await asyncio.to_thread(to_delivery, content, self.trigger, self.mailbox)
        except Exception as error:  # one email must not block later ones
            self._warn(
                "email could not be handled",
                delivery=f"uid {uid}",
                error=type(error).__name__,
                where=stack_summary(error),
            )
            delivery = RejectedMail(
                id=f"uid {uid}", outcome="refused", reason="the gateway failed to handle it; see its log"
            )
        if isinstance(delivery, RejectedMail):
            await self._log_rejected(delivery)
        else:
            await self.intake.ingest(delivery)

    def _warn(self, text: str, **fields: Any) -> None:
        self.intake.log(text, level="warning", trigger=self.trigger.name, **fields)

    async def _log_rejected(self, rejected: RejectedMail) -> None:
        self.intake.log(
            f"email {rejected.outcome}", trigger=self.trigger.name, delivery=rejected.id, reason=rejected.reason
        )
        await self.intake.deliveries.append(
            Delivery(
                id=self.intake.redact(rejected.id),
                trigger=self.trigger.name,
                kind="email",
                at=self.intake.clock(),
                outcome=rejected.outcome,
                reason=self.intake.redact(rejected.reason),
            )
        )
