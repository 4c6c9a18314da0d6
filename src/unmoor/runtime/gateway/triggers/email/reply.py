"""A run's answer as an email in the thread of the one that started the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from unmoor.runtime.state.run_record import RunRecord

NO_ANSWER = "The run ended without an answer."


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """An email that is ready to send."""

    sender: str
    to: str
    content: bytes = field(repr=False)


def build_reply(record: RunRecord, original: Mapping[str, Any], *, address: str) -> OutgoingMail:
    """The reply to the sender. Its Message-ID is the run's, so that duplicates are recognized."""
    mail = EmailMessage(policy=SMTP.clone(refold_source="all"))
    user, _, domain = address.rpartition("@")
    mail["From"] = Address(display_name=record.agent, username=user, domain=domain)
    mail["To"] = original["to"]
    mail["Subject"] = _subject(original["subject"])
    mail["Message-ID"] = f"<{record.id}@{domain}>"
    if record.ended_at is not None:
        mail["Date"] = format_datetime(record.ended_at)
    if original["message_id"]:
        mail["In-Reply-To"] = f"<{original['message_id']}>"
    if original["references"]:
        mail["References"] = " ".join(f"<{reference}>" for reference in original["references"])
    # Tells automatic responders not to answer: https://www.rfc-editor.org/rfc/rfc3834#section-5
    mail["Auto-Submitted"] = "auto-replied"
    mail["X-Unmoor-Run"] = record.id
    mail.set_content(_text(record))
    return OutgoingMail(sender=address, to=original["to"], content=mail.as_bytes())


def _subject(subject: str) -> str:
    text = " ".join(subject.split())[:500]
    return text if text.lower().startswith("re:") else f"Re: {text}".rstrip()


def _text(record: RunRecord) -> str:
    if record.status == "succeeded":
        return f"{record.answer.strip() or NO_ANSWER}\n"
    answer = f"\n\nIts answer until then:\n\n{record.answer.strip()}" if record.answer.strip() else ""
    reason = f": {record.reason}" if record.reason else ""
    return f"Run {record.id} ended with status {record.status.replace('_', ' ')}{reason}.{answer}\n"
