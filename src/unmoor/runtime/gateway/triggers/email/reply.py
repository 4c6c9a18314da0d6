"""A run's answer as a mail in the thread of the one that started it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from unmoor.runtime.state.run_record import RunRecord

SILENT = "The run has ended and said nothing."


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """A mail that is ready to be sent."""

    sender: str
    to: str
    content: bytes = field(repr=False)


def build_reply(record: RunRecord, answer_to: Mapping[str, Any], *, address: str) -> OutgoingMail:
    """The answer to whoever wrote. Its id is the run's, so that a second copy is known for one."""
    mail = EmailMessage(policy=SMTP.clone(refold_source="all"))
    user, _, domain = address.rpartition("@")
    mail["From"] = Address(display_name=record.agent, username=user, domain=domain)
    mail["To"] = answer_to["to"]
    mail["Subject"] = _subject(answer_to["subject"])
    mail["Message-ID"] = f"<{record.id}@{domain}>"
    if record.ended_at is not None:
        mail["Date"] = format_datetime(record.ended_at)
    if answer_to["message_id"]:
        mail["In-Reply-To"] = f"<{answer_to['message_id']}>"
    if answer_to["references"]:
        mail["References"] = " ".join(f"<{reference}>" for reference in answer_to["references"])
    # By which programs that answer by themselves know not to: https://www.rfc-editor.org/rfc/rfc3834#section-5
    mail["Auto-Submitted"] = "auto-replied"
    mail["X-Unmoor-Run"] = record.id
    mail.set_content(_text(record))
    return OutgoingMail(sender=address, to=answer_to["to"], content=mail.as_bytes())


def _subject(subject: str) -> str:
    text = " ".join(subject.split())[:500]
    return text if text.lower().startswith("re:") else f"Re: {text}".rstrip()


def _text(record: RunRecord) -> str:
    if record.status == "succeeded":
        return f"{record.answer.strip() or SILENT}\n"
    said = f"\n\nIt said before:\n\n{record.answer.strip()}" if record.answer.strip() else ""
    why = f": {record.reason}" if record.reason else ""
    return f"The run {record.id} ended as {record.status.replace('_', ' ')}{why}.{said}\n"
