"""What becomes of a mail, decided without any server."""

from __future__ import annotations

import dataclasses
from email.message import EmailMessage
from typing import Any

import pytest

from unmoor.runtime.config import Mailbox, Trigger
from unmoor.runtime.gateway.triggers.email.delivery import MOST_FILES, RejectedMail, to_delivery
from unmoor.runtime.gateway.triggers.intake import IncomingDelivery

TRIGGER = Trigger(name="inbox", kind="email", prompt="p")
MAILBOX = Mailbox(
    name="inbox",
    prompt="p",
    host="imap.example.org",
    port=993,
    user="desk@example.org",
    password="mail",
    allow_from=("*@example.com", "desk@example.org"),
    authserv_id=".example.org",
    received_lines_above=0,
    address="desk@example.org",
    smtp_host="",
    smtp_port=0,
)


def made(sender: str = "ada@example.com", *, by: str = "mx.example.org", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Authentication-Results"] = f"{by}; dmarc=pass header.from={sender.split('@')[1]}"
    mail["From"] = sender
    mail["Subject"] = "hi"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("text")
    return mail


def came(mail: EmailMessage, **mailbox: Any) -> IncomingDelivery | RejectedMail:
    return to_delivery(mail.as_bytes(), TRIGGER, dataclasses.replace(MAILBOX, **mailbox))


def started(mail: EmailMessage, **mailbox: Any) -> IncomingDelivery:
    found = came(mail, **mailbox)
    assert isinstance(found, IncomingDelivery), found
    return found


def test_the_event_is_what_a_prompt_can_use() -> None:
    mail = made(Message_ID="<two@example.com>", In_Reply_To="<one@example.com>", Date="Mon, 2 Mar 2026 09:00:00 +0000")
    mail.add_attachment(b"x", maintype="application", subtype="pdf", filename="a.pdf")
    assert started(mail).event == {
        "from": "ada@example.com",
        "from_name": "",
        "to": "",
        "subject": "hi",
        "text": "text",
        "date": "2026-03-02T09:00:00+00:00",
        "message_id": "two@example.com",
        "in_reply_to": "one@example.com",
        "thread": "one@example.com",
        "attachments": [{"name": "a.pdf", "path": "attachments/a.pdf", "type": "application/pdf", "size_bytes": 1}],
    }


def test_the_same_mail_is_known_by_its_id_and_by_its_bytes_where_it_has_none() -> None:
    one, again, other = (made(Message_ID=f"<{name}@example.com>") for name in ("one", "one", "other"))
    again["Received"] = "from elsewhere"
    assert started(one).key.name == started(again).key.name != started(other).key.name
    assert started(made()).key.name == started(made()).key.name != started(made(X="1")).key.name


def test_a_domain_stands_for_each_of_its_servers() -> None:
    for by in ("imap.example.org", "mx1.example.org", "example.org"):
        assert isinstance(came(made(by=by)), IncomingDelivery)
    for by in ("mx.example.com", "org", "badexample.org"):
        assert isinstance(came(made(by=by)), RejectedMail)
    assert isinstance(came(made(by="mx.google.com"), authserv_id="mx.google.com"), IncomingDelivery)
    assert isinstance(came(made(by="mx.example.org"), authserv_id="mx.google.com"), RejectedMail)


def test_a_server_that_writes_below_its_own_received_line_is_believed_where_the_spec_says_so() -> None:
    mail = made()
    mail._headers.insert(0, ("Received", "from a.example (b.example [192.0.2.7]) by mx.example.org with ESMTP id x"))
    assert isinstance(came(mail), RejectedMail)
    assert isinstance(came(mail, received_lines_above=1), IncomingDelivery)


def test_a_mail_of_the_mailbox_itself_starts_nothing() -> None:
    mail = made("Desk@example.org")
    assert came(mail) == RejectedMail(id="", outcome="filtered", reason="this mailbox sent it")
    assert isinstance(came(mail, address="another@example.org"), IncomingDelivery)


def test_an_answer_goes_to_the_proved_sender_and_only_where_answers_are_sent() -> None:
    mail = made(Message_ID="<two@example.com>", References="<one@example.com>", Reply_To="eve@evil.example")
    assert started(mail).reply is None
    assert started(mail, smtp_host="smtp.example.org").reply == {
        "trigger": "inbox",
        "to": "ada@example.com",
        "subject": "hi",
        "message_id": "two@example.com",
        "references": ["one@example.com", "two@example.com"],
    }


def test_mass_mail_starts_nothing_and_what_a_group_passes_on_does() -> None:
    for value in ("bulk", "Junk", "auto_reply"):
        reason = f"automatic email: Precedence is {value.lower()}"
        assert came(made(Precedence=value)) == RejectedMail(id="", outcome="filtered", reason=reason)
    assert isinstance(came(made(Precedence="list", List_Id="<desk.example.org>")), IncomingDelivery)


@pytest.mark.parametrize("value", ["auto-generated", "Auto-Replied; owner=x", "auto-notified"])
def test_what_no_person_wrote_starts_nothing(value: str) -> None:
    found = came(made(Auto_Submitted=value))
    assert isinstance(found, RejectedMail)
    assert found.outcome == "filtered"
    assert isinstance(came(made(Auto_Submitted="no")), IncomingDelivery)


def test_a_mail_with_attachments_without_end_is_refused() -> None:
    mail = made()
    for number in range(MOST_FILES + 1):
        mail.add_attachment(b"x", maintype="application", subtype="pdf", filename=f"{number}.pdf")
    assert came(mail) == RejectedMail(id="", outcome="refused", reason="it has 101 attachments; the limit is 100")
