"""The address and errors of mail servers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A server's host and port, and whether TLS starts by STARTTLS."""

    host: str
    port: int
    starttls: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class MailServerError(Exception):
    """A mail server that is unreachable, refuses, or violates the protocol; one line without a password."""
