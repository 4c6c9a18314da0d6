"""Which addresses belong to the public internet; none that may be this machine's or its network's own."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address


def _networks(text: str) -> tuple[IPv4Network, ...]:
    return tuple(map(IPv4Network, text.split()))


# https://www.iana.org/assignments/iana-ipv4-special-registry, multicast (224/4), and last the platform's services in
# every Azure network: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
NOT_PUBLIC_4 = _networks("""
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    168.63.129.16/32
""")
# All that is assigned to hosts so far: https://www.iana.org/assignments/ipv6-address-space.
PUBLIC_6 = IPv6Network("2000::/3")
# https://www.iana.org/assignments/iana-ipv6-special-registry: protocols' own (Teredo among them), examples, and 6to4,
# which embeds any IPv4 address.
NOT_PUBLIC_6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
# An IPv4 address behind a translator (RFC 6052): as public as that address.
NAT64 = IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Whether this is an address of the public internet; False for any other text."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address in NAT64:
        address = IPv4Address(int(address) & 0xFFFFFFFF)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_4)
    return address in PUBLIC_6 and not any(address in network for network in NOT_PUBLIC_6)
