"""A mail read from its bytes, however odd they are."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from unmoor.runtime.gateway.triggers.email.message import MOST_TEXT, InvalidMail, parse_mail


def lines(*text: str) -> bytes:
    return "\r\n".join(text).encode()


def composed() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Ada <ada@example.com>"
    mail["To"] = "desk@example.org"
    mail["Subject"] = "Rechnung für März"
    mail["Date"] = "Mon, 02 Mar 2026 09:30:00 +0100"
    mail["Message-ID"] = "<m-3@example.com>"
    mail["In-Reply-To"] = "<m-2@example.com>"
    mail["References"] = "<m-1@example.com> <m-2@example.com>"
    mail.set_content("Grüße,\nAda\n")
    return mail


def test_what_a_prompt_can_use_is_read() -> None:
    mail = parse_mail(composed().as_bytes())
    assert (mail.subject, mail.text, mail.to) == ("Rechnung für März", "Grüße,\nAda", "desk@example.org")
    assert mail.date == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    assert (mail.message_id, mail.in_reply_to) == ("m-3@example.com", "m-2@example.com")
    assert mail.references == ("m-1@example.com", "m-2@example.com")
    assert mail.thread == "m-1@example.com"


def test_a_thread_is_known_by_the_mail_that_began_it() -> None:
    first = parse_mail(lines("From: a@b.example", "Message-ID: <one@b.example>", "", "x"))
    answer = parse_mail(
        lines("From: a@b.example", "Message-ID: <two@b.example>", "In-Reply-To: <one@b.example>", "", "x")
    )
    assert first.thread == answer.thread == "one@b.example"


def test_plain_text_is_preferred_to_html_and_html_is_read_where_there_is_nothing_else() -> None:
    both = composed()
    both.add_alternative("<p>seen in colour</p>", subtype="html")
    assert parse_mail(both.as_bytes()).text == "Grüße,\nAda"
    html = (
        "<html><head><style>p{}</style><title>t</title></head><body><p>Hello&nbsp;<b>you</b>,<br>look "
        '<a href="https://example.com/x">here</a> or <a href="https://example.com">https://example.com</a>'
        "<script>alert(1)</script></p><ul><li>one</li><li>two</li></ul></body></html>"
    )
    only = parse_mail(lines("From: a@b.example", "Content-Type: text/html; charset=utf-8", "", html))
    assert only.text == "Hello you,\nlook here (https://example.com/x) or https://example.com\n\none\n\ntwo"


def test_attachments_have_safe_names_and_no_two_the_same() -> None:
    mail = composed()
    for name in ("report.pdf", "../../etc/passwd", "REPORT.pdf", "C:\\Users\\x\\évil\u202egpj.exe", ".bashrc", ""):
        mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename=name)
    mail.add_attachment(b"x", maintype="application", subtype="pdf", filename="n" * 300 + ".pdf")
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("inside")
    mail.add_attachment(inner)
    read = parse_mail(mail.as_bytes())
    names = [a.name for a in read.attachments]
    assert names[:6] == ["report.pdf", "passwd", "REPORT-2.pdf", "évil gpj.exe", "bashrc", "attachment-6.pdf"]
    assert names[6] == "n" * 146 + ".pdf"
    assert names[7] == "attachment-8.eml"
    assert read.attachments[0].content == b"%PDF"
    assert b"inside" in read.attachments[7].content
    assert read.text == "Grüße,\nAda"


def test_a_picture_in_the_text_is_an_attachment_and_a_named_text_is_one_too() -> None:
    mail = composed()
    mail.add_related(b"png", maintype="image", subtype="png", cid="<logo>")
    mail.make_mixed()
    mail.add_attachment("a,b\n", subtype="csv", filename="t.csv")
    mail.add_attachment("note\n", filename="note.txt")
    assert [(a.name, a.type) for a in parse_mail(mail.as_bytes()).attachments] == [
        ("attachment-1.png", "image/png"),
        ("t.csv", "text/csv"),
        ("note.txt", "text/plain"),
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"From: a@b.c\r\nContent-Type: text/plain; charset=no-such\r\n\r\nh\xc3\xa9", "hé"),
        (b"From: a@b.c\r\nContent-Type: text/plain; charset=latin-1\r\n\r\nh\xe9", "hé"),
        (b"From: a@b.c\r\nContent-Type: text/plain\r\n\r\n\xff\xfe", "��"),
        (b"From: a@b.c\r\nContent-Transfer-Encoding: base64\r\n\r\n!!! not base64", None),
        (b"From: a@b.c\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nno parts", None),
        (b"From: a@b.c\r\nContent-Type: ;;;\r\n\r\nx", "x"),
        (b"From: a@b.c\r\nSubject: =?no-such?q?x?=\r\nDate: never\r\nMessage-ID: [odd]\r\n\r\nx", "x"),
        (b"From: a@b.c\r\nSubject: =?utf-8?b?/////w==?=\r\n\r\nx", "x"),
        (b"From: a@b.c\r\nDate: Fri, 31 Feb 99999 00:00:00 +9999\r\n\r\nx", "x"),
    ],
)
def test_odd_mail_is_read_as_far_as_it_can_be(content: bytes, text: str | None) -> None:
    mail = parse_mail(content)
    mail.subject.encode()
    assert text is None or mail.text == text


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"no headers at all", b"Subject: x\r\n\r\nx"])
def test_what_is_no_mail_says_so(content: bytes) -> None:
    with pytest.raises(InvalidMail, match="it has no From header"):
        parse_mail(content)


def test_parts_within_parts_without_end_are_no_mail() -> None:
    head = b"From: a@b.c\r\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000)
    )
    with pytest.raises(InvalidMail, match="it cannot be parsed as an email: RecursionError"):
        parse_mail(head + b"\r\n\r\nx")


def test_a_text_without_end_is_cut() -> None:
    mail = parse_mail(lines("From: a@b.c", "", "x" * (MOST_TEXT + 5)))
    assert mail.text.endswith("xx… [5 characters cut]")
