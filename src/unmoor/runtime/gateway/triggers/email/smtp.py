"""Sends email by SMTP, only over TLS and with a login."""

from __future__ import annotations

import smtplib
import ssl

from .reply import OutgoingMail
from .server import MailServer, MailServerError

ANSWER_S = 60


class PermanentSmtpError(Exception):
    """The server rejects the email permanently; the message says why."""


def send(mail: OutgoingMail, server: MailServer, user: str, password: str, context: ssl.SSLContext) -> None:
    """Sends the email; MailServerError where a retry may help, PermanentSmtpError where it cannot."""
    try:
        with _connect(server, context) as client:
            client.login(user, password)
            client.sendmail(mail.sender, [mail.to], mail.content)
    except smtplib.SMTPAuthenticationError as error:
        reply = _reply_text(error.smtp_code, error.smtp_error)
        raise MailServerError(f"{server}: login was refused: {reply}") from None
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _error(server, code, text) from None
    except smtplib.SMTPResponseException as error:
        raise _error(server, error.smtp_code, error.smtp_error) from None
    except ssl.SSLCertVerificationError as error:
        raise MailServerError(f"{server}: its certificate is not trusted: {error.verify_message}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise MailServerError(f"{server}: {getattr(error, 'strerror', None) or error}") from None


def _connect(server: MailServer, context: ssl.SSLContext) -> smtplib.SMTP:
    if not server.starttls:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=ANSWER_S, context=context)
    client = smtplib.SMTP(server.host, server.port, timeout=ANSWER_S)
    try:
        client.starttls(context=context)  # raises without TLS: the password must not be sent in plain text
    except BaseException:
        client.close()
        raise
    return client


def _error(server: MailServer, code: int, reply: bytes | str) -> Exception:
    """5xx is permanent: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1"""
    text = f"{server}: {_reply_text(code, reply)}"
    return PermanentSmtpError(text) if 500 <= code < 600 else MailServerError(text)


def _reply_text(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())[:200]}"
