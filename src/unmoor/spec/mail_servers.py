"""Which server's Authentication-Results a mailbox's email has, where the spec does not say it."""

from __future__ import annotations

from unmoor.runtime.registered_domain import registered_domain

GMAIL_HOSTS = ("imap.gmail.com", "imap.googlemail.com")
# Its results stand below the Received line of the server that it names.
GMAIL = "mx.google.com"


def default_authserv_id(imap_host: str) -> str:
    """A name, or `.example.com` for any name in the IMAP server's domain; empty where the host's name says neither."""
    if imap_host.lower() in GMAIL_HOSTS:
        return GMAIL
    domain = registered_domain(imap_host)
    return f".{domain}" if domain else ""


def default_lines_above(authserv_id: str) -> int:
    """The number of Received lines that this server puts above its results."""
    return 1 if authserv_id.lower() == GMAIL else 0
