"""Verifies the sender of an email. Anyone can set From, so the receiving server must confirm it.

An email may start a run if its only From address is allowed, and the receiving server's Authentication-Results confirm
its domain: DMARC passed, or DKIM or SPF passed for that domain. Only that server's topmost header counts, because the
sender may have forged the others. https://www.rfc-editor.org/rfc/rfc8601#section-5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address

from .auth_results import AuthResults, Result, read_results, without_comments
from .message import PARSE_ERRORS, Mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The address and name of an email's From header."""

    address: str
    name: str

    @property
    def domain(self) -> str:
        return self.address.rsplit("@", 1)[1]


class SenderRejected(Exception):
    """An email whose sender is unknown, unverified or not allowed; the message says which, and what to do."""


def verify_sender(mail: Mail, *, allowed: Sequence[str], servers: Sequence[str]) -> Sender:
    """The email's sender; SenderRejected where it may not start a run. `servers` are the accepted authserv-ids: host
    names, or `.example.com` for a whole domain."""
    sender = _from(mail)
    if not _is_allowed(sender.address, allowed):
        raise SenderRejected(f"{sender.address} is not in allow_from")
    results = _server_results(mail, servers)
    if not _authenticates(results, sender.domain):
        found = ", ".join(f"{r.method}={r.result}" for r in results.found) or "no results"
        raise SenderRejected(f"{results.server} did not authenticate {sender.domain}: {found}")
    return sender


def _from(mail: Mail) -> Sender:
    """The only address of the only From header: with several, programs may disagree about the sender."""
    lines = mail.all("from")
    try:
        headers = [policy.default.header_factory("from", line) for line in lines]
        addresses: list[Address] = [address for header in headers for address in header.addresses]
        plain = [a for a in addresses if a.domain and a.username]
        if len(lines) != 1 or len(addresses) != 1 or len(plain) != 1:
            raise SenderRejected(f"it has {len(addresses)} From addresses in {len(lines)} headers; one is required")
        found = Sender(address=f"{plain[0].username}@{plain[0].domain}".lower(), name=plain[0].display_name)
    except PARSE_ERRORS as error:
        raise SenderRejected("its From header cannot be parsed") from error
    # With two @ outside of quotes and comments, programs disagree about the address.
    if sum(char == "@" for char in without_comments(lines[0])) != 1 or any(
        char.isspace() or char in '<>",;:' or not char.isprintable() for char in found.address
    ):
        raise SenderRejected("its From header has no plain address")
    return found


def _is_allowed(address: str, allowed: Sequence[str]) -> bool:
    """`*@example.com` allows that domain, without subdomains."""
    domain = "*@" + address.rsplit("@", 1)[1]
    return any(entry.lower() in (address, domain) for entry in allowed)


def _server_results(mail: Mail, servers: Sequence[str]) -> AuthResults:
    """The receiving server's results."""
    others: list[str] = []
    for header in mail.all("authentication-results"):
        results = read_results(header)
        if results is not None and _is_one_of(results.server, servers):
            return results
        others += [results.server] if results is not None else []
    names = " or ".join(name.removeprefix(".") for name in servers)
    topmost = f"; the topmost is from {others[0]}: to trust it, set email.authserv_id: {others[0]}" if others else ""
    raise SenderRejected(f"it has no Authentication-Results from the receiving server ({names}){topmost}")


def _is_one_of(server: str, servers: Sequence[str]) -> bool:
    names = [name.lower() for name in servers]
    return any(server == name.removeprefix(".") or (name[0] == "." and server.endswith(name)) for name in names)


def _authenticates(results: AuthResults, domain: str) -> bool:
    """A DMARC result decides, because it covers From itself; without one, DKIM or SPF of the domain."""
    dmarc = [r for r in results.found if r.method == "dmarc" and r.result != "none"]
    if dmarc:
        return all(r.result == "pass" and r.properties.get("header.from", domain) == domain for r in dmarc)
    return any(_is_of(r, domain) for r in results.found if r.result == "pass")


def _is_of(result: Result, domain: str) -> bool:
    """Whether the DKIM or SPF domain is this domain or a parent."""
    if result.method == "dkim":
        name = result.properties.get("header.d") or result.properties.get("header.i", "")
    elif result.method == "spf":
        name = result.properties.get("smtp.mailfrom", "")
    else:
        return False
    name = name.rsplit("@", 1)[-1]
    return "." in name and (domain == name or domain.endswith("." + name))
