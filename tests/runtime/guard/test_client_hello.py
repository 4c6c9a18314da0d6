"""Whom a TLS connection asks for, read off its first bytes, however they arrive."""

from __future__ import annotations

import pytest
from world import client_hello

from unmoor.runtime.guard.egress.client_hello import NotClientHello, server_name

HELLO = client_hello("api.example.com")


def test_the_host_that_tls_asks_for_is_found():
    assert server_name(HELLO) == "api.example.com"


def test_a_client_that_names_no_host_names_none():
    assert server_name(client_hello(None)) == ""


def test_no_beginning_of_it_is_enough():
    assert [server_name(HELLO[:n]) for n in range(len(HELLO))] == [None] * len(HELLO)


def test_what_follows_it_does_not_matter():
    assert server_name(HELLO + b"more") == "api.example.com"


@pytest.mark.parametrize("size", [1, 3, 4, 5, 50])
def test_it_may_be_spread_over_several_records(size: int):
    message = HELLO[5:]
    parts = [message[i : i + size] for i in range(0, len(message), size)]
    spread = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)
    assert server_name(spread) == "api.example.com"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x02\x00\x00\x05hello",
        b"\x15\x03\x01\x00\x02\x01\x00",
        b"\x17\x03\x03\x00\x05hello",
        b"\x16\x03\x01\x00\x00" * 40,
        b"\x16\x03\x01\x40\x01" + b"\x01" * 0x4001,
        b"\x16\x03\x01\x48\x01",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
    ],
)
def test_other_protocols_are_none(data: bytes):
    with pytest.raises(NotClientHello):
        server_name(data)


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x00\x00", b"\x16\x03\x01\x40\x01" + b"\x01" * 9])
def test_a_broken_record_that_may_go_on_is_waited_for(data: bytes):
    assert server_name(data) is None


def test_two_names_are_none():
    for extensions in (sni(b"a.example.com", b"b.example.com"), sni(b"a.example.com") + sni(b"b.example.com")):
        with pytest.raises(NotClientHello):
            server_name(hello_with(extensions))


def test_one_that_lies_about_its_lengths_is_none():
    with pytest.raises(NotClientHello):
        server_name(hello_with(b"\x00\x00\x00\xff\x00\x01a"))


def test_one_that_has_no_end_is_none():
    with pytest.raises(NotClientHello):
        server_name(b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x00")
    with pytest.raises(NotClientHello, match=r"^it is too long$"):
        server_name(b"\x16\x03\x01\x00\x04\x01\x01\xff\xff" + b"\x16\x03\x01\x00\x01\x00" * 11000)


def test_one_without_extensions_names_no_host():
    assert server_name(hello_with(None)) == ""


def sni(*names: bytes) -> bytes:
    entries = b"".join(b"\x00" + len(name).to_bytes(2, "big") + name for name in names)
    content = len(entries).to_bytes(2, "big") + entries
    return b"\x00\x00" + len(content).to_bytes(2, "big") + content


def hello_with(extensions: bytes | None) -> bytes:
    """A ClientHello with just these extensions."""
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    if extensions is not None:
        body += len(extensions).to_bytes(2, "big") + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message
