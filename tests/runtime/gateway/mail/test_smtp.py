"""Sending mail, against an SMTP server that insists on TLS and a login."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from servers import PASSWORD, USER, trusting
from smtp_server import post_office

from unmoor.runtime.gateway.triggers.email.reply import OutgoingMail
from unmoor.runtime.gateway.triggers.email.server import MailServer, MailServerError
from unmoor.runtime.gateway.triggers.email.smtp import PermanentSmtpError, send

pytestmark = pytest.mark.process

LETTER = OutgoingMail(sender=USER, to="ada@example.com", content=b"Subject: hi\r\n\r\nthere\r\n")


@pytest.mark.parametrize("starttls", [False, True])
def test_a_letter_is_handed_in_over_tls_with_a_login(tmp_path: Path, starttls: bool) -> None:
    with post_office(tmp_path, starttls=starttls) as office:
        send(LETTER, office.place, USER, PASSWORD, trusting())
        [(sender, to, mail)] = office.taken
        assert (sender, to, mail["Subject"]) == (USER, ["ada@example.com"], "hi")


@pytest.mark.parametrize("starttls", [False, True])
def test_a_server_that_nobody_trusts_is_shown_no_password(tmp_path: Path, starttls: bool) -> None:
    with post_office(tmp_path, starttls=starttls) as office:
        with pytest.raises(MailServerError, match=r"^localhost:\d+: its certificate is not trusted: "):
            send(LETTER, office.place, USER, PASSWORD, ssl.create_default_context())
        assert office.taken == []


def test_a_server_without_tls_is_shown_no_password(tmp_path: Path) -> None:
    with post_office(tmp_path, starttls=False) as office:
        place = MailServer(host=office.place.host, port=office.place.port, starttls=True)
        with pytest.raises(MailServerError):
            send(LETTER, place, USER, PASSWORD, trusting())


def test_a_wrong_login_may_be_put_right_and_is_no_rejection(tmp_path: Path) -> None:
    with post_office(tmp_path, starttls=True) as office:
        with pytest.raises(MailServerError, match="login was refused: 535") as fault:
            send(LETTER, office.place, USER, "another-word", trusting())
        assert "another-word" not in str(fault.value)


@pytest.mark.parametrize(("says", "kind"), [("451 later", MailServerError), ("550 never", PermanentSmtpError)])
def test_what_may_be_taken_later_and_what_never_will_be_are_told_apart(
    tmp_path: Path, says: str, kind: type[Exception]
) -> None:
    with post_office(tmp_path, starttls=True) as office:
        office.says = [says]
        with pytest.raises(kind, match=rf"^localhost:\d+: {says}$"):
            send(LETTER, office.place, USER, PASSWORD, trusting())


def test_nobody_there_is_a_fault() -> None:
    with pytest.raises(MailServerError, match=r"^localhost:1: .*refused"):
        send(LETTER, MailServer(host="localhost", port=1), USER, PASSWORD, trusting())
