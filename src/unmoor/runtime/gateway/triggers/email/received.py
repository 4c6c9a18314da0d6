"""The Received headers above another: the servers through which an email went after that header was written.

Each server adds its headers above those that are there, so a sender can write only what stands below the Received line
of the server that took the email from it. https://www.rfc-editor.org/rfc/rfc5321#section-4.4
"""

from __future__ import annotations

import ipaddress
import re

# Addresses that no client outside of the organisation's own network has.
INNER_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7")
)
LOCAL_PROTOCOL = re.compile(r"\swith\s+(?:lmtps?a?|local)\b", re.IGNORECASE)
ADDRESS = re.compile(r"[\[(](?:IPv6:)?([0-9a-f.:]+)[\])]", re.IGNORECASE)


def crosses_network(received: str) -> bool:
    """Whether this Received line may be that of a server which took the email from a stranger.

    It is not if all its addresses are inner ones or, without addresses, it names no client or a local protocol such as
    LMTP: those are steps inside of the receiving organisation. What a client says about itself can add an address to
    the line, and remove none.
    """
    addresses = ADDRESS.findall(received)
    if addresses:
        return not all(_is_inner(address) for address in addresses)
    return received.strip().lower().startswith("from ") and not LOCAL_PROTOCOL.search(received)


def _is_inner(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in INNER_NETWORKS)
