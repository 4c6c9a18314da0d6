"""Whose mail starts a run: an allowed address that the receiving server vouches for, and nobody else's."""

from __future__ import annotations

import pytest

from unmoor.runtime.gateway.triggers.email.message import parse_mail
from unmoor.runtime.gateway.triggers.email.sender import SenderRejected, verify_sender

SERVER = "mx.example.org"
PASSED = f"Authentication-Results: {SERVER}; dmarc=pass header.from=example.com"


def sender(*headers: str, allowed: tuple[str, ...] = ("*@example.com",), servers: tuple[str, ...] = (SERVER,)) -> str:
    content = "\r\n".join([*headers, "", "x"]).encode()
    return verify_sender(parse_mail(content), allowed=allowed, servers=servers).address


def refused(*headers: str, **more: tuple[str, ...]) -> str:
    with pytest.raises(SenderRejected) as refusal:
        sender(*headers, **more)
    return str(refusal.value)


@pytest.mark.parametrize(
    "found",
    [
        "dmarc=pass header.from=example.com",
        "dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=EXAMPLE.com",
        "spf=fail smtp.mailfrom=other.example; dkim=pass header.d=example.com",
        "dkim=fail header.d=other.example; dkim=pass header.i=@example.com header.s=s header.b=a/b+c=",
        "spf=pass smtp.mailfrom=bounces@example.com",
        "spf=pass smtp.mailfrom=example.com; dmarc=none header.from=example.com",
    ],
)
def test_a_domain_that_the_receiving_server_vouches_for_is_believed(found: str) -> None:
    assert sender(f"Authentication-Results: {SERVER}; {found}", "From: Ada <Ada@example.com>") == "ada@example.com"


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ("none", "no results"),
        ("dmarc=fail header.from=example.com", "dmarc=fail"),
        ("dmarc=fail header.from=example.com; dkim=pass header.d=example.com", "dmarc=fail, dkim=pass"),
        ("dmarc=pass header.from=other.example", "dmarc=pass"),
        ("dkim=pass header.d=evil.example", "dkim=pass"),
        ("dkim=pass header.d=com", "dkim=pass"),
        ("dkim=pass header.d=notexample.com", "dkim=pass"),
        ("dkim=pass", "dkim=pass"),
        ("dkim=fail header.d=example.com; spf=softfail smtp.mailfrom=example.com", "dkim=fail, spf=softfail"),
        ("iprev=pass policy.iprev=192.0.2.1; auth=pass smtp.auth=example.com", "iprev=pass, auth=pass"),
    ],
)
def test_a_domain_that_it_does_not_vouch_for_is_not(found: str, says: str) -> None:
    told = refused(f"Authentication-Results: {SERVER}; {found}", "From: ada@example.com")
    assert told == f"{SERVER} did not authenticate example.com: {says}"


def test_only_the_topmost_header_of_that_server_counts() -> None:
    forged = f"Authentication-Results: {SERVER}; dmarc=pass header.from=example.com"
    true = f"Authentication-Results: {SERVER}; dmarc=fail header.from=example.com"
    assert refused(true, forged, "From: ada@example.com").endswith(": dmarc=fail")


def test_another_servers_word_is_not_taken_and_its_name_is_said() -> None:
    told = refused("Authentication-Results: mx.google.com; dmarc=pass header.from=example.com", "From: ada@example.com")
    assert told == (
        f"it has no Authentication-Results from the receiving server ({SERVER}); the topmost is from mx.google.com: "
        "to trust it, set email.authserv_id: mx.google.com"
    )
    assert refused("From: ada@example.com").endswith(f"from the receiving server ({SERVER})")


@pytest.mark.parametrize(
    "header",
    [
        f"Authentication-Results: {SERVER}; dmarc=pass (header.from=example.com",
        f'Authentication-Results: {SERVER}; dmarc="pass header.from=example.com',
        f"Authentication-Results: {SERVER} dmarc=pass header.from=example.com",
        "Authentication-Results: dmarc=pass header.from=example.com",
        f"Authentication-Results: (; {SERVER}; dmarc=pass header.from=example.com",
        f"Authentication-Results: other.example (\r\n {SERVER};) ; dmarc=pass header.from=example.com",
        f"X-Authentication-Results: {SERVER}; dmarc=pass header.from=example.com",
    ],
)
def test_a_header_that_is_not_what_it_seems_is_not_believed(header: str) -> None:
    refused(header, "From: ada@example.com")


def test_a_server_may_be_any_of_a_domain() -> None:
    servers = ("imap.example.org", ".example.org")
    for name in ("mail.example.org", "example.org", "a.b.example.org"):
        header = f"Authentication-Results: {name}; dmarc=pass header.from=example.com"
        assert sender(header, "From: ada@example.com", servers=servers) == "ada@example.com"
    for name in ("notexample.org", "example.org.evil.example"):
        header = f"Authentication-Results: {name}; dmarc=pass header.from=example.com"
        refused(header, "From: ada@example.com", servers=servers)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (["From: ada@example.com", "From: eve@evil.example"], "has 2 From addresses in 2 headers; one is required"),
        (["From: ada@example.com, eve@evil.example"], "has 2 From addresses in 1 headers; one is required"),
        (["From: undisclosed:;"], "has 0 From addresses in 1 headers; one is required"),
        (["From: <>"], "one is required"),
        (["From: ada"], "one is required"),
        (['From: "ada@example.com" <eve@evil.example>'], "eve@evil.example is not in allow_from"),
        (["From: ada@example.com <eve@evil.example>"], "its From header has no plain address"),
        (["From: <ada@example.com> <eve@evil.example>"], "its From header has no plain address"),
        (["From: ada@example.com\\0 <eve@evil.example>"], "its From header has no plain address"),
        (["From: eve@evil.example (ada@example.com)"], "eve@evil.example is not in allow_from"),
        (["From: =?utf-8?q?ada=40example=2Ecom?= <eve@evil.example>"], "eve@evil.example is not in allow_from"),
        (["From: ada@sub.example.com"], "ada@sub.example.com is not in allow_from"),
        (["From: ada@ex\u0430mple.com"], "is not in allow_from"),
    ],
)
def test_a_from_that_could_be_read_in_two_ways_is_refused(headers: list[str], told: str) -> None:
    assert told in refused(PASSED, *headers)


def test_an_address_may_be_allowed_by_itself() -> None:
    assert sender(PASSED, "From: Ada@Example.COM", allowed=("ada@example.com",)) == "ada@example.com"
    assert refused(PASSED, "From: bob@example.com", allowed=("ada@example.com",)) == (
        "bob@example.com is not in allow_from"
    )
