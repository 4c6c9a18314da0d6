"""An SMTP server of the tests' own, which keeps what it takes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from processes import free_port
from servers import PASSWORD, USER, server_context

from unmoor.runtime.gateway.triggers.email.server import MailServer


@dataclass
class PostOffice:
    """What was handed in, by whom and for whom; `says` is answered instead of taking it."""

    place: MailServer
    taken: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    says: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if not session.authenticated:
            return "530 log in first"
        if self.says:
            return self.says.pop(0)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, cast(EmailMessage, mail)))
        return "250 taken"


@contextlib.contextmanager
def post_office(folder: Path, *, starttls: bool, user: str = USER) -> Iterator[PostOffice]:
    """It listens on loopback, takes mail of whoever logs in, and nothing without TLS."""
    port = free_port()
    office = PostOffice(MailServer(host="localhost", port=port, starttls=starttls))
    context = server_context(folder)

    def knows(server: SMTP, session: Any, envelope: Any, mechanism: str, shown: Any) -> AuthResult:
        assert isinstance(shown, LoginPassword)
        return AuthResult(success=(shown.login, shown.password) == (user.encode(), PASSWORD.encode()), handled=False)

    told: dict[str, Any] = {"authenticator": knows}
    if starttls:
        told |= {"tls_context": context, "require_starttls": True, "auth_required": True}
    else:
        told |= {"ssl_context": context, "auth_require_tls": False}
    controller = Controller(office, hostname="127.0.0.1", port=port, **told)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()
