"""Sends a mail by SMTP, over TLS and with a login, or not at all."""

from __future__ import annotations

import smtplib
import ssl

from .reply import OutgoingMail
from .server import MailServer, MailServerError

ANSWER_S = 60


class PermanentSmtpError(Exception):
    """A mail that the server will not take, now or later; the text says why."""


def send(letter: OutgoingMail, place: MailServer, user: str, password: str, context: ssl.SSLContext) -> None:
    """Hands the mail to the server; MailFault where it may be taken later, and Rejected where it never will be."""
    try:
        with _connected(place, context) as client:
            client.login(user, password)
            client.sendmail(letter.sender, [letter.to], letter.content)
    except smtplib.SMTPAuthenticationError as error:
        raise MailServerError(f"{place}: the login was refused: {_said(error.smtp_code, error.smtp_error)}") from None
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise _fault(place, code, said) from None
    except smtplib.SMTPResponseException as error:
        raise _fault(place, error.smtp_code, error.smtp_error) from None
    except ssl.SSLCertVerificationError as error:
        raise MailServerError(f"{place}: its certificate is not trusted: {error.verify_message}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise MailServerError(f"{place}: {getattr(error, 'strerror', None) or error}") from None


def _connected(place: MailServer, context: ssl.SSLContext) -> smtplib.SMTP:
    if not place.starttls:
        return smtplib.SMTP_SSL(place.host, place.port, timeout=ANSWER_S, context=context)
    client = smtplib.SMTP(place.host, place.port, timeout=ANSWER_S)
    try:
        client.starttls(context=context)  # raises where the server has none: a password goes over nothing else
    except BaseException:
        client.close()
        raise
    return client


def _fault(place: MailServer, code: int, said: bytes | str) -> Exception:
    """5xx is for ever: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1"""
    text = f"{place}: {_said(code, said)}"
    return PermanentSmtpError(text) if 500 <= code < 600 else MailServerError(text)


def _said(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())[:200]}"
