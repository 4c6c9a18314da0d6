"""An email as a delivery that starts a run, or the reason why it starts none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from unmoor.runtime.config import Mailbox, Trigger
from unmoor.runtime.gateway.triggers.intake import IncomingDelivery, IncomingFile
from unmoor.runtime.state.dedup import DeliveryKey

from .message import InvalidMail, Mail, parse_mail
from .sender import Sender, SenderRejected, verify_sender

# The workspace folder of attachments.
FOLDER = "attachments"
MOST_FILES = 100
# Not `list`: a group's address that forwards to this mailbox sets it. https://www.rfc-editor.org/rfc/rfc3834#section-2
BULK = ("bulk", "junk", "auto_reply")


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedMail:
    """An email that starts no run: `refused` because of its sender, `filtered` because no person wrote it."""

    id: str
    outcome: Literal["refused", "filtered"]
    reason: str


def to_delivery(content: bytes, trigger: Trigger, mailbox: Mailbox) -> IncomingDelivery | RejectedMail:
    """Parses an email and verifies its sender."""
    try:
        mail = parse_mail(content)
    except InvalidMail as error:
        return RejectedMail(id="", outcome="refused", reason=str(error))
    try:
        sender = verify_sender(
            mail,
            allowed=mailbox.allow_from,
            server=mailbox.authserv_id,
            lines_above=mailbox.received_lines_above,
        )
    except SenderRejected as error:
        return RejectedMail(id=mail.message_id, outcome="refused", reason=str(error))
    if reason := _automatic_reason(mail, sender, mailbox):
        return RejectedMail(id=mail.message_id, outcome="filtered", reason=reason)
    if len(mail.attachments) > MOST_FILES:
        reason = f"it has {len(mail.attachments)} attachments; the limit is {MOST_FILES}"
        return RejectedMail(id=mail.message_id, outcome="refused", reason=reason)
    return IncomingDelivery(
        trigger=trigger,
        key=DeliveryKey(id=mail.message_id, name=_name(mail, content)),
        event=_event(mail, sender),
        files=tuple(IncomingFile(path=f"{FOLDER}/{a.name}", content=a.content) for a in mail.attachments),
        reply=_reply(mail, sender, trigger) if mailbox.smtp_host else None,
    )


def _automatic_reason(mail: Mail, sender: Sender, mailbox: Mailbox) -> str:
    """Why it is automatic, empty for a person's email: two programs that answer each other would never stop."""
    automatic = mail.first("auto-submitted").partition(";")[0].strip().lower()
    if automatic not in ("", "no"):
        return f"automatic email: Auto-Submitted is {automatic[:40]}"
    precedence = mail.first("precedence").strip().lower()
    if precedence in BULK:
        return f"automatic email: Precedence is {precedence}"
    if mail.first("return-path").replace(" ", "") == "<>":
        return "automatic email: the return path is empty, as in a delivery notice"
    if mailbox.address and sender.address == mailbox.address.lower():
        return "this mailbox sent it"
    return ""


def _name(mail: Mail, content: bytes) -> str:
    """The dedup key: stays the same when the email is moved, flagged or delivered twice."""
    return hashlib.sha256(mail.message_id.encode("utf-8", "replace") or content).hexdigest()[:32]


def _event(mail: Mail, sender: Sender) -> dict[str, Any]:
    """The fields that a prompt can use."""
    return {
        "from": sender.address,
        "from_name": sender.name,
        "to": mail.to,
        "subject": mail.subject,
        "text": mail.text,
        "date": mail.date.isoformat() if mail.date else None,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "thread": mail.thread,
        "attachments": [
            {"name": a.name, "path": f"{FOLDER}/{a.name}", "type": a.type, "size_bytes": len(a.content)}
            for a in mail.attachments
        ],
    }


def _reply(mail: Mail, sender: Sender, trigger: Trigger) -> dict[str, Any]:
    """Where the answer is sent: to the verified address, never to Reply-To, which anyone can set."""
    return {
        "trigger": trigger.name,
        "to": sender.address,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "references": [*mail.references, *([mail.message_id] if mail.message_id else [])][-20:],
    }
