"""Sends replies: one for each run that an email started.

A reply is in the store from before its run is accepted until a server has accepted it. A gateway takes it by
compare-and-swap before sending, so that two gateways do not both send it. If one is killed in between, the reply is
sent again later under the same Message-ID: at least once.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.clock import Clock
from unmoor.runtime.config import Mailbox
from unmoor.runtime.gateway.queue.look_times import LIST_S
from unmoor.runtime.logs import Log, log_errors
from unmoor.runtime.state import keys as layout
from unmoor.runtime.state.run_record import RunRecord, load_record
from unmoor.runtime.store import Store, StoredObject
from unmoor.runtime.waiting import wait_event

from .reply import build_reply
from .server import MailServer, MailServerError
from .smtp import PermanentSmtpError, send

STARTTLS_PORTS = (25, 587)
# Seconds between looks for due replies, unless a run's end wakes the outbox. A bucket, which charges for each look, is
# looked at when a known reply is due, and rarely for those of other gateways.
LOOK_S, RARE_LOOK_S = 30.0, LIST_S
# A gateway that has taken a reply has this long to send it.
TAKEN_FOR = timedelta(minutes=5)
# Backoff between attempts, and when to give up.
BACKOFF, GIVEN_UP = Backoff(first_s=30, cap_s=3600), timedelta(days=1)
# A reply without a run is deleted after this time: its gateway was killed before it accepted the run.
UNACCEPTED = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class Outbox:
    """Sends the replies of these mailboxes; `mailboxes` and `passwords` are by trigger name."""

    store: Store
    mailboxes: Mapping[str, Mailbox]
    passwords: Mapping[str, str] = field(repr=False)
    context: ssl.SSLContext
    clock: Clock
    log: Log
    look_s: float = LOOK_S
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _due: list[datetime] = field(default_factory=list[datetime])

    async def run(self) -> None:
        """Sends due replies until it is cancelled."""
        while True:
            await log_errors(self.send_due, "a look at the outbox", log=self.log)
            await wait_event(self._wake, self._pause_s())
            self._wake.clear()

    def on_run_end(self, record: RunRecord) -> None:
        """Wakes the outbox when a run with a reply ends."""
        if record.trigger in self.mailboxes:
            self._wake.set()

    async def send_due(self) -> None:
        """Sends each reply that is due."""
        self._due = []
        keys = [entry.key async for entry in self.store.list(layout.OUTBOX)]
        for key in keys:
            if (stored := await self.store.get(key)) is not None:
                await self._look_at(key, stored)

    def _pause_s(self) -> float:
        """Seconds until the next look, unless a run's end wakes the outbox."""
        if self.store.is_local:
            return self.look_s
        due = min(((at - self.clock()).total_seconds() for at in self._due), default=RARE_LOOK_S)
        return min(max(due, self.look_s), RARE_LOOK_S)

    async def _look_at(self, key: str, stored: StoredObject) -> None:
        entry: dict[str, Any] = json.loads(stored.content)
        run = key.removeprefix(layout.OUTBOX)
        now = self.clock()
        if entry["trigger"] not in self.mailboxes:
            return
        if (due := _time(entry.get("not_before"))) > now:
            self._due.append(due)
            return
        loaded = await load_record(self.store, run)
        if loaded is None:
            if now - layout.creation_time(run) > UNACCEPTED:
                await self.store.delete(key)
        elif (record := loaded[0]).is_final:
            taken = {**entry, "not_before": (now + TAKEN_FOR).isoformat()}
            if (version := await self.store.compare_and_swap(key, _json(taken), stored.version)) is not None:
                await self._send(key, version, entry, record)

    async def _send(self, key: str, version: str, entry: dict[str, Any], record: RunRecord) -> None:
        mailbox = self.mailboxes[entry["trigger"]]
        mail = build_reply(record, entry, address=mailbox.address)
        starttls = mailbox.smtp_port in STARTTLS_PORTS
        server = MailServer(host=mailbox.smtp_host, port=mailbox.smtp_port, starttls=starttls)
        password = self.passwords[mailbox.name]
        try:
            await asyncio.to_thread(send, mail, server, mailbox.user, password, self.context)
        except PermanentSmtpError as error:
            self.log(f"reply rejected: {error}", level="error", run=record.id)
            await self.store.delete(key)
        except MailServerError as error:
            await self._retry_later(key, version, entry, record, error)
        else:
            self.log("reply sent", run=record.id, server=str(server))
            await self.store.delete(key)

    async def _retry_later(
        self, key: str, version: str, entry: dict[str, Any], record: RunRecord, error: MailServerError
    ) -> None:
        now, attempts = self.clock(), entry.get("tries", 0) + 1
        if now - (record.ended_at or now) > GIVEN_UP:
            self.log(f"giving up on the reply: {error}", level="error", run=record.id)
            await self.store.delete(key)
            return
        wait = timedelta(seconds=BACKOFF.pause_s(attempts))
        again = {**entry, "tries": attempts, "not_before": (now + wait).isoformat()}
        self.log(f"reply delayed: {error}", level="warning", run=record.id, again_s=round(wait.total_seconds()))
        self._due.append(now + wait)
        await self.store.compare_and_swap(key, _json(again), version)


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "replace")


def _time(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.fromisoformat("0001-01-01T00:00:00+00:00")
