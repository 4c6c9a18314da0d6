"""The domain that an organisation registered, by the Public Suffix List (https://publicsuffix.org)."""

from __future__ import annotations

import ipaddress
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def registered_domain(host: str) -> str:
    """`example.co.uk` for `imap.example.co.uk`; empty for an IP address, a name of one label, and for a suffix under
    which anybody registers, such as `co.uk`."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _suffixes().privatesuffix(host.lower().rstrip(".")) or ""
    return ""


@cache
def _suffixes() -> PublicSuffixList:
    # Reading the list takes 40 ms, and only email needs it.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
