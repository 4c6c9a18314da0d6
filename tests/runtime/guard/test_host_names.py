"""What counts as a public host's name, which addresses are public, and what the list of hosts lets through."""

from __future__ import annotations

import pytest

from unmoor.runtime.guard.egress.public_addresses import is_public
from unmoor.runtime.host_names import host_name, matches_any


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("github.com", "github.com"),
        ("GitHub.COM.", "github.com"),
        ("a-b.c_d.example.com", "a-b.c_d.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
    ],
)
def test_a_name_has_one_form(text: str, name: str):
    assert host_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "localhost",
        "metadata",
        "example..com",
        ".example.com",
        "example.com..",
        "-a.example.com",
        "a-.example.com",
        "exa mple.com",
        "example.com\r\nHost: x",
        "example.com\x00.evil.com",
        "a@example.com",
        "a/b.example.com",
        "%65xample.com",
        "*.example.com",
        "a" * 64 + ".com",
        ".".join(["a" * 60] * 5),
        # addresses, in every spelling that some resolver or other takes
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "1.0x7f",
        "1.0x",
        "169.254.169.254",
        "[::1]",
        "::1",
        "[::ffff:169.254.169.254]",
        "fe80::1%eth0",
        "127\u30020\u30020\u30021",
        "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
        "\u2460\u2461\u2466.0.0.1",
    ],
)
def test_what_is_no_full_name_is_refused(text: str):
    assert host_name(text) is None


@pytest.mark.parametrize(
    ("patterns", "host", "allowed"),
    [
        (["github.com"], "github.com", True),
        (["github.com"], "api.github.com", False),
        (["github.com"], "notgithub.com", False),
        (["github.com"], "github.com.evil.com", False),
        (["*.example.com"], "a.example.com", True),
        (["*.example.com"], "a.b.c.example.com", True),
        (["*.example.com"], "example.com", False),
        (["*.example.com"], "badexample.com", False),
        (["*.example.com", "example.com"], "example.com", True),
        (["GitHub.com."], "github.com", True),
        (["*.BÜCHER.example"], "a.xn--bcher-kva.example", True),
        ([], "github.com", False),
    ],
)
def test_the_list_names_hosts_exactly_or_all_below_a_domain(patterns: list[str], host: str, allowed: bool):
    assert matches_any(patterns, host) is allowed


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "140.82.112.3", "2606:4700::1111", "2a00:1450::1", "64:ff9b::101:101", "172.32.0.1", "100.128.0.1"],
)
def test_addresses_of_the_public_internet_pass(address: str):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "169.254.170.2",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:1.1.1.1",
        "::127.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:2::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "3fff::1",
        "5f00::1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::101:101",
        "4000::1",
        "not an address",
        "",
    ],
)
def test_addresses_that_could_be_near_do_not(address: str):
    assert not is_public(address)
