"""Answers that wait to be sent: one for each run that a mail has started, until it is.

An answer lies in the store from before its run is accepted until a server has taken it, so that none is forgotten. It
is taken by compare-and-swap before it is sent, so that two gateways do not send it twice. One that is killed in between
leaves it to be sent again after a while: rather twice than never, and under the same Message-ID.
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
from unmoor.runtime.logs import Log, log_errors
from unmoor.runtime.state import keys as layout
from unmoor.runtime.state.run_record import RunRecord, read_record
from unmoor.runtime.store import Store, StoredObject
from unmoor.runtime.waiting import wait_event

from .reply import build_reply
from .server import MailServer, MailServerError
from .smtp import PermanentSmtpError, send

STARTTLS_PORTS = (25, 587)
# How often it is looked for answers whose runs have ended, where nothing says so sooner.
LOOK_S = 30.0
# Who has taken an answer is believed to send it for this long.
TAKEN_FOR = timedelta(minutes=5)
# How long until it is tried again, and after how long it is given up.
BACKOFF, GIVEN_UP = Backoff(first_s=30, cap_s=3600), timedelta(days=1)
# An answer whose run is not there after this long has none: its gateway was killed before it accepted the run.
UNACCEPTED = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class Outbox:
    """Sends the answers of these mailboxes, by their triggers' names; `passwords` are by the same."""

    store: Store
    mailboxes: Mapping[str, Mailbox]
    passwords: Mapping[str, str] = field(repr=False)
    context: ssl.SSLContext
    clock: Clock
    log: Log
    look_s: float = LOOK_S
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Sends what is due until it is cancelled."""
        while True:
            await log_errors(self.send_due, "a look at the outbox", log=self.log)
            await wait_event(self._wake, self.look_s)
            self._wake.clear()

    def on_run_end(self, record: RunRecord) -> None:
        """A run has ended: its answer may be sent."""
        if record.trigger in self.mailboxes:
            self._wake.set()

    async def send_due(self) -> None:
        """Sends each answer that is due."""
        keys = [entry.key async for entry in self.store.list(layout.OUTBOX)]
        for key in keys:
            if (stored := await self.store.get(key)) is not None:
                await self._look_at(key, stored)

    async def _look_at(self, key: str, stored: StoredObject) -> None:
        waiting: dict[str, Any] = json.loads(stored.content)
        run = key.removeprefix(layout.OUTBOX)
        now = self.clock()
        if waiting["trigger"] not in self.mailboxes or _time(waiting.get("not_before")) > now:
            return
        record = await self._record(run)
        if record is None:
            if now - layout.created_at(run) > UNACCEPTED:
                await self.store.delete(key)
        elif record.is_final:
            taken = {**waiting, "not_before": (now + TAKEN_FOR).isoformat()}
            if (version := await self.store.compare_and_swap(key, _json(taken), stored.version)) is not None:
                await self._send(key, version, waiting, record)

    async def _record(self, run: str) -> RunRecord | None:
        stored = await self.store.get(layout.run_record_key(run))
        return read_record(run, stored.content) if stored is not None else None

    async def _send(self, key: str, version: str, waiting: dict[str, Any], record: RunRecord) -> None:
        mailbox = self.mailboxes[waiting["trigger"]]
        letter = build_reply(record, waiting, address=mailbox.address)
        starttls = mailbox.smtp_port in STARTTLS_PORTS
        place = MailServer(host=mailbox.smtp_host, port=mailbox.smtp_port, starttls=starttls)
        password = self.passwords[mailbox.name]
        try:
            await asyncio.to_thread(send, letter, place, mailbox.user, password, self.context)
        except PermanentSmtpError as error:
            self.log(f"the answer is not sent: {error}", level="error", run=record.id)
            await self.store.delete(key)
        except MailServerError as fault:
            await self._later(key, version, waiting, record, fault)
        else:
            self.log("answer sent", run=record.id, server=str(place))
            await self.store.delete(key)

    async def _later(
        self, key: str, version: str, waiting: dict[str, Any], record: RunRecord, fault: MailServerError
    ) -> None:
        now, tries = self.clock(), waiting.get("tries", 0) + 1
        if now - (record.ended_at or now) > GIVEN_UP:
            self.log(f"the answer is given up: {fault}", level="error", run=record.id)
            await self.store.delete(key)
            return
        wait = timedelta(seconds=BACKOFF.pause_s(tries))
        again = {**waiting, "tries": tries, "not_before": (now + wait).isoformat()}
        self.log(f"the answer waits: {fault}", level="warning", run=record.id, again_s=round(wait.total_seconds()))
        await self.store.compare_and_swap(key, _json(again), version)


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "replace")


def _time(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.fromisoformat("0001-01-01T00:00:00+00:00")
