"""The address and errors of mail servers."""

from __future__ import annotations

import os
import ssl
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


def describe_connection_error(error: OSError) -> str:
    """Why a connection failed, in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "the server does not speak TLS on this port"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)  # asyncio's message repeats addresses
    return error.strerror or str(error)
