"""Verifies the sender of an email. Anyone can set From, so the receiving server must confirm it.

An email may start a run if its only From address is allowed, and the receiving server's Authentication-Results confirm
its domain: DMARC passed, or DKIM or SPF passed for that domain. Only headers above that server's own Received line
count, because the sender may have written the others. https://www.rfc-editor.org/rfc/rfc8601#section-4 puts them there;
Gmail does not, and neither did OpenDKIM and OpenDMARC before 2026
(https://github.com/trusteddomainproject/OpenDKIM/pull/346), so the spec can say how many lines stand above them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address

from unmoor.runtime.registered_domain import registered_domain

from .auth_results import AuthResults, Result, read_results, without_comments
from .message import PARSE_ERRORS, Mail
from .received import crosses_network


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


def verify_sender(mail: Mail, *, allowed: Sequence[str], server: str, lines_above: int = 0) -> Sender:
    """The email's sender; SenderRejected where it may not start a run.

    `server` is the accepted authserv-id: a name, or `.example.com` for every name in a domain. `lines_above` is the
    number of that server's Received lines above its results.
    """
    sender = _from(mail)
    if not _is_allowed(sender.address, allowed):
        raise SenderRejected(f"{sender.address} is not in allow_from")
    results = _server_results(mail, server, lines_above)
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
        if any(group.display_name for header in headers for group in header.groups):
            raise SenderRejected("its From header is a group; one address is required")
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


def _server_results(mail: Mail, server: str, lines_above: int) -> AuthResults:
    """The receiving server's results: of all its headers, or of the topmost where the sender's may follow directly."""
    headers = [(results, lines) for results, lines in _headers_with_lines(mail) if _is_of_server(results, server)]
    trusted = [results for results, lines in headers if lines <= lines_above]
    if trusted:
        same = [results for results in trusted if results.server == trusted[0].server]
        found = same if lines_above == 0 else same[:1]
        return AuthResults(server=same[0].server, found=tuple(one for results in found for one in results.found))
    if headers:
        results, lines = headers[0]
        raise SenderRejected(
            f"its Authentication-Results from {results.server} stand below {lines} Received lines, where the sender "
            f"could have written them; if that server always puts them there, set email.received_lines_above: {lines}"
        )
    raise SenderRejected(f"it has no Authentication-Results from the receiving server ({_shown(server)}){_hint(mail)}")


def _headers_with_lines(mail: Mail) -> Iterator[tuple[AuthResults, int]]:
    """Each Authentication-Results header, topmost first, and the number of Received lines of strangers above it."""
    lines = 0
    for name, text in mail.headers:
        if name == "received" and crosses_network(text):
            lines += 1
        elif name == "authentication-results" and (results := read_results(text)):
            yield results, lines


def _hint(mail: Mail) -> str:
    other = next((results.server for results, lines in _headers_with_lines(mail) if not lines), "")
    return f"; the topmost is from {other}: to trust it, set email.authserv_id: {other}" if other else ""


def _shown(server: str) -> str:
    return f"any name in {server[1:]}" if server.startswith(".") else server


def _is_of_server(results: AuthResults, server: str) -> bool:
    name = server.lower()
    return results.server == name.removeprefix(".") or (name[0] == "." and results.server.endswith(name))


def _authenticates(results: AuthResults, domain: str) -> bool:
    """A DMARC result decides, because it covers From itself; without one, DKIM or SPF of the domain."""
    dmarc = [r for r in results.found if r.method == "dmarc" and r.result != "none"]
    if dmarc:
        return all(r.result == "pass" and r.properties.get("header.from", domain) == domain for r in dmarc)
    return any(_is_of(r, domain) for r in results.found if r.result == "pass")


def _is_of(result: Result, domain: str) -> bool:
    """Whether the DKIM or SPF domain is this domain or a parent that one organisation has registered."""
    if result.method == "dkim":
        name = result.properties.get("header.d") or result.properties.get("header.i", "")
    elif result.method == "spf":
        name = result.properties.get("smtp.mailfrom", "")
    else:
        return False
    name = name.rsplit("@", 1)[-1]
    return domain == name or (domain.endswith("." + name) and registered_domain(name) != "")
