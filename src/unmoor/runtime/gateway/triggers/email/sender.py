"""Who wrote a mail, as far as it can be believed: anybody can write a From, so the receiving server must vouch for it.

A mail may start a run where its one From address is allowed, and the receiving server's own Authentication-Results say
that its domain sent it: DMARC passed, or DKIM or SPF passed for that domain. Of that server's headers only the topmost
counts: below it is what the sender may have put there. https://www.rfc-editor.org/rfc/rfc8601#section-5
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
    """The address of a mail's From and the name beside it."""

    address: str
    name: str

    @property
    def domain(self) -> str:
        return self.address.rsplit("@", 1)[1]


class SenderRejected(Exception):
    """A mail whose sender is not known, not proved or not allowed; the text says which, and what to do."""


def verify_sender(mail: Mail, *, allowed: Sequence[str], servers: Sequence[str]) -> Sender:
    """The mail's sender; Unproved where it may not start a run. `servers` are the names that the receiving server may
    give itself: a host's, or `.example.com` for all of a domain."""
    sender = _from(mail)
    if not _is_allowed(sender.address, allowed):
        raise SenderRejected(f"{sender.address} is not in allow_from")
    results = _vouched(mail, servers)
    if not _proves(results, sender.domain):
        said = ", ".join(f"{r.method}={r.result}" for r in results.found) or "nothing"
        raise SenderRejected(f"{results.server} does not vouch for {sender.domain}: it says {said}")
    return sender


def _from(mail: Mail) -> Sender:
    """The one address of the one From: with more, a reader and a checker could each believe another."""
    lines = mail.all("from")
    try:
        headers = [policy.default.header_factory("from", line) for line in lines]
        addresses: list[Address] = [address for header in headers for address in header.addresses]
        plain = [a for a in addresses if a.domain and a.username]
        if len(lines) != 1 or len(addresses) != 1 or len(plain) != 1:
            raise SenderRejected(f"its From holds {len(addresses)} addresses in {len(lines)} headers; one is believed")
        found = Sender(address=f"{plain[0].username}@{plain[0].domain}".lower(), name=plain[0].display_name)
    except PARSE_ERRORS as error:
        raise SenderRejected("its From cannot be read") from error
    # Where an @ stands outside of quotes and comments twice, programs do not agree which address it is.
    if sum(char == "@" for char in without_comments(lines[0])) != 1 or any(
        char.isspace() or char in '<>",;:' or not char.isprintable() for char in found.address
    ):
        raise SenderRejected("its From holds no plain address")
    return found


def _is_allowed(address: str, allowed: Sequence[str]) -> bool:
    """`*@example.com` allows that domain, and none below it."""
    domain = "*@" + address.rsplit("@", 1)[1]
    return any(entry.lower() in (address, domain) for entry in allowed)


def _vouched(mail: Mail, servers: Sequence[str]) -> AuthResults:
    """What the receiving server found."""
    others: list[str] = []
    for header in mail.all("authentication-results"):
        results = read_results(header)
        if results is not None and _is_one_of(results.server, servers):
            return results
        others += [results.server] if results is not None else []
    names = " or ".join(name.removeprefix(".") for name in servers)
    topmost = f"; the topmost is by {others[0]}: if that is it, write email.authserv_id: {others[0]}" if others else ""
    raise SenderRejected(f"it has no Authentication-Results of the receiving server ({names}){topmost}")


def _is_one_of(server: str, servers: Sequence[str]) -> bool:
    names = [name.lower() for name in servers]
    return any(server == name.removeprefix(".") or (name[0] == "." and server.endswith(name)) for name in names)


def _proves(results: AuthResults, domain: str) -> bool:
    """DMARC's word is the last where it has one: it is about From itself, the other two about who carried the mail."""
    dmarc = [r for r in results.found if r.method == "dmarc" and r.result != "none"]
    if dmarc:
        return all(r.result == "pass" and r.properties.get("header.from", domain) == domain for r in dmarc)
    return any(_is_of(r, domain) for r in results.found if r.result == "pass")


def _is_of(result: Result, domain: str) -> bool:
    """Whether a signature or a route is that domain's, or of one above it."""
    if result.method == "dkim":
        name = result.properties.get("header.d") or result.properties.get("header.i", "")
    elif result.method == "spf":
        name = result.properties.get("smtp.mailfrom", "")
    else:
        return False
    name = name.rsplit("@", 1)[-1]
    return "." in name and (domain == name or domain.endswith("." + name))
