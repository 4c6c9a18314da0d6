"""Where a mail server is, and what it means that it does not do what it should."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A server's host name and port, and whether TLS begins after a command there and not with the connection."""

    host: str
    port: int
    starttls: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class MailServerError(Exception):
    """A mail server that is not there, refuses, or makes no sense; one line that says which, without a password."""
