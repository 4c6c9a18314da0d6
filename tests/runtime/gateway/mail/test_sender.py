"""Whose mail starts a run: an allowed address that the receiving server vouches for, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from unmoor.runtime.gateway.triggers.email.message import parse_mail
from unmoor.runtime.gateway.triggers.email.sender import SenderRejected, verify_sender

SERVER = "mx.example.org"
FROM = ("From: ada@example.com",)
FROM_A_STRANGER = "Received: from a.example (b.example [192.0.2.7]) by mx.example.org with ESMTPS id x; now"
PASSED = f"Authentication-Results: {SERVER}; dmarc=pass header.from=example.com"


def sender(
    *headers: str, allowed: tuple[str, ...] = ("*@example.com",), server: str = SERVER, lines_above: int = 0
) -> str:
    content = "\r\n".join([*headers, "", "x"]).encode()
    return verify_sender(parse_mail(content), allowed=allowed, server=server, lines_above=lines_above).address


def refused(*headers: str, **more: Any) -> str:
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
        ("spf=pass smtp.mailfrom=a@com", "spf=pass"),
        ("dkim=pass header.d=notexample.com", "dkim=pass"),
        ("dkim=pass", "dkim=pass"),
        ("dkim=fail header.d=example.com; spf=softfail smtp.mailfrom=example.com", "dkim=fail, spf=softfail"),
        ("iprev=pass policy.iprev=192.0.2.1; auth=pass smtp.auth=example.com", "iprev=pass, auth=pass"),
    ],
)
def test_a_domain_that_it_does_not_vouch_for_is_not(found: str, says: str) -> None:
    told = refused(f"Authentication-Results: {SERVER}; {found}", "From: ada@example.com")
    assert told == f"{SERVER} did not authenticate example.com: {says}"


def test_what_a_server_writes_below_its_own_received_line_may_be_the_senders() -> None:
    """https://www.rfc-editor.org/rfc/rfc8601#section-4: the header stands above that server's Received line."""
    assert sender(PASSED, FROM_A_STRANGER, *FROM) == "ada@example.com"
    told = refused(FROM_A_STRANGER, PASSED, *FROM)
    assert told == (
        f"its Authentication-Results from {SERVER} stand below 1 Received lines, where the sender could have written "
        "them; if that server always puts them there, set email.received_lines_above: 1"
    )
    assert sender(FROM_A_STRANGER, PASSED, *FROM, lines_above=1) == "ada@example.com"
    assert "below 2 Received lines" in refused(FROM_A_STRANGER, FROM_A_STRANGER, PASSED, *FROM, lines_above=1)


@pytest.mark.parametrize(
    "step",
    [
        "Received: by 2002:a05:6a10:1 with SMTP id abc; Mon, 2 Mar 2026 09:00:00 +0000",
        "Received: from mail.example.org by mail.example.org (Dovecot) with LMTP id x for <desk@example.org>; now",
        "Received: from mx3 (mx3.internal [10.202.2.202]) by store.internal (Postfix) with ESMTP id x; now",
        "Received: from localhost (localhost [127.0.0.1]) by mx.example.org (Postfix) with ESMTP id x; now",
        "Received: from localhost (localhost [IPv6:::1]) by mx.example.org (Postfix) with ESMTP id x; now",
        "Received: (qmail 12 invoked by uid 89); now",
    ],
)
def test_steps_inside_of_the_receiving_organisation_do_not_count(step: str) -> None:
    assert sender(step, PASSED, FROM_A_STRANGER, *FROM) == "ada@example.com"
    assert "stand below 1 Received lines" in refused(step, FROM_A_STRANGER, PASSED, *FROM)


@pytest.mark.parametrize(
    "claim",
    [
        "localhost ([127.0.0.1]) by mx.example.org (mail.evil.example [192.0.2.7]) by mx.example.org with ESMTP",
        "x with LMTP (mail.evil.example [192.0.2.7]) by mx.example.org with ESMTP",
        "x (HELO [10.0.0.1]) (192.0.2.7) by mx.example.org with SMTP",
        "unknown by mx.example.org with SMTP",
    ],
)
def test_no_name_that_a_sender_gives_itself_makes_its_step_an_inner_one(claim: str) -> None:
    assert "stand below 1 Received lines" in refused(f"Received: from {claim} id x; now", PASSED, *FROM)


def test_all_headers_of_the_receiving_server_count() -> None:
    dkim = f"Authentication-Results: {SERVER}; dkim=pass header.d=example.com"
    spf = f"Authentication-Results: {SERVER}; spf=fail smtp.mailfrom=example.com"
    other = "Authentication-Results: mx.google.com; dmarc=fail header.from=example.com"
    assert sender(spf, other, dkim, FROM_A_STRANGER, *FROM) == "ada@example.com"
    failed = f"Authentication-Results: {SERVER}; dmarc=fail header.from=example.com"
    for headers in ((dkim, failed), (failed, dkim)):
        assert "dmarc=fail" in refused(*headers, FROM_A_STRANGER, *FROM)


def test_only_the_topmost_header_counts_where_the_senders_may_follow_directly() -> None:
    failed = f"Authentication-Results: {SERVER}; spf=fail smtp.mailfrom=example.com"
    forged = f"Authentication-Results: {SERVER}; dkim=pass header.d=example.com"
    assert refused(FROM_A_STRANGER, failed, forged, *FROM, lines_above=1).endswith(": spf=fail")


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
    server = ".example.org"
    for name in ("mail.example.org", "example.org", "a.b.example.org"):
        header = f"Authentication-Results: {name}; dmarc=pass header.from=example.com"
        assert sender(header, "From: ada@example.com", server=server) == "ada@example.com"
    for name in ("notexample.org", "example.org.evil.example"):
        header = f"Authentication-Results: {name}; dmarc=pass header.from=example.com"
        refused(header, "From: ada@example.com", server=server)


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


@pytest.mark.parametrize(("domain", "is_enough"), [("co.uk", False), ("bank.co.uk", True), ("mail.bank.co.uk", True)])
def test_a_suffix_under_which_anybody_registers_vouches_for_nobody(domain: str, is_enough: bool) -> None:
    header, allowed = f"Authentication-Results: {SERVER}; dkim=pass header.d={domain}", ("*@mail.bank.co.uk",)
    if is_enough:
        assert sender(header, "From: ada@mail.bank.co.uk", allowed=allowed) == "ada@mail.bank.co.uk"
    else:
        assert "did not authenticate" in refused(header, "From: ada@mail.bank.co.uk", allowed=allowed)


def test_a_group_is_no_sender() -> None:
    assert refused(PASSED, "From: Friends: ada@example.com;") == "its From header is a group; one address is required"


def test_an_address_may_be_allowed_by_itself() -> None:
    assert sender(PASSED, "From: Ada@Example.COM", allowed=("ada@example.com",)) == "ada@example.com"
    assert refused(PASSED, "From: bob@example.com", allowed=("ada@example.com",)) == (
        "bob@example.com is not in allow_from"
    )
