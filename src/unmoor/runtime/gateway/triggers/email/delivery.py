"""What becomes of a mail: the delivery that starts a run, or why there is none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from unmoor.runtime.config import Mailbox, Trigger
from unmoor.runtime.gateway.triggers.intake import IncomingDelivery, IncomingFile

from .message import InvalidMail, Mail, parse_mail
from .sender import Sender, SenderRejected, verify_sender

# Where attachments lie in the workspace.
FOLDER = "attachments"
MOST_FILES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedMail:
    """A mail that starts no run: `refused` where its sender may not, `filtered` where no person wrote it."""

    id: str
    outcome: Literal["refused", "filtered"]
    reason: str


def to_delivery(content: bytes, trigger: Trigger, mailbox: Mailbox) -> IncomingDelivery | RejectedMail:
    """The delivery that these bytes are."""
    try:
        mail = parse_mail(content)
    except InvalidMail as error:
        return RejectedMail(id="", outcome="refused", reason=str(error))
    try:
        sender = verify_sender(mail, allowed=mailbox.allow_from, servers=_servers(mailbox))
    except SenderRejected as error:
        return RejectedMail(id=mail.message_id, outcome="refused", reason=str(error))
    if reason := _unwritten(mail, sender, mailbox):
        return RejectedMail(id=mail.message_id, outcome="filtered", reason=reason)
    if len(mail.attachments) > MOST_FILES:
        reason = f"it has {len(mail.attachments)} attachments, of which {MOST_FILES} are taken at most"
        return RejectedMail(id=mail.message_id, outcome="refused", reason=reason)
    return IncomingDelivery(
        trigger=trigger,
        id=mail.message_id,
        name=_name(mail, content),
        event=_event(mail, sender),
        files=tuple(IncomingFile(path=f"{FOLDER}/{a.name}", content=a.content) for a in mail.attachments),
        answer_to=_answer_to(mail, sender, trigger) if mailbox.smtp_host else None,
    )


def _servers(mailbox: Mailbox) -> tuple[str, ...]:
    """The names under which the receiving server may sign: the one of the spec, or its own domain's."""
    if mailbox.authserv_id:
        return (mailbox.authserv_id,)
    _, _, domain = mailbox.host.partition(".")
    return (mailbox.host, f".{domain}") if "." in domain else (mailbox.host,)


def _unwritten(mail: Mail, sender: Sender, mailbox: Mailbox) -> str:
    """Why no person wrote it: two programs that answer each other would never end."""
    automatic = mail.first("auto-submitted").partition(";")[0].strip().lower()
    if automatic not in ("", "no"):
        return f"no person wrote it: Auto-Submitted is {automatic[:40]}"
    if mail.first("return-path").replace(" ", "") == "<>":
        return "no person wrote it: it has no return path, as a notice of delivery"
    if mailbox.address and sender.address == mailbox.address.lower():
        return "it is from this mailbox itself"
    return ""


def _name(mail: Mail, content: bytes) -> str:
    """The same for a mail that is moved, flagged or delivered twice, and for no two mails."""
    return hashlib.sha256(mail.message_id.encode("utf-8", "replace") or content).hexdigest()[:32]


def _event(mail: Mail, sender: Sender) -> dict[str, Any]:
    """What a prompt can use."""
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


def _answer_to(mail: Mail, sender: Sender, trigger: Trigger) -> dict[str, Any]:
    """To whom an answer goes: the proved address, and never a Reply-To, which anybody can write."""
    return {
        "trigger": trigger.name,
        "to": sender.address,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "references": [*mail.references, *([mail.message_id] if mail.message_id else [])][-20:],
    }
