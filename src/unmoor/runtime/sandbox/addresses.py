"""The addresses to which the supervisor connects: a loopback port of the rules, or a Unix socket with a path."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Collection

LOOPBACK = socket.inet_aton("127.0.0.1")
MAPPED = bytes(10) + b"\xff\xff" + LOOPBACK
# linux/un.h and linux/socket.h
PATH_BYTES, LONGEST = 108, 128
INTERNET_BYTES, INTERNET6_BYTES = 16, 24
FAMILY = struct.Struct("=H")
PORT = struct.Struct(">H")


def allowed_port(address: bytes, family: int, ports: Collection[int]) -> int:
    """The port that a struct sockaddr names, if it is one of `ports` at 127.0.0.1, also as ::ffff:127.0.0.1; else
    OSError with the kernel's error for a malformed address, and EACCES for every other address.

    ::1 is refused: the runner listens on 127.0.0.1 only, so another program may listen there.
    """
    _check_family(address, family)
    if len(address) < (INTERNET_BYTES if family == socket.AF_INET else INTERNET6_BYTES):
        raise OSError(errno.EINVAL, "address too short")
    port = PORT.unpack_from(address, 2)[0]
    host, loopback = (address[4:8], LOOPBACK) if family == socket.AF_INET else (address[8:24], MAPPED)
    if host != loopback or port not in ports:
        raise OSError(errno.EACCES, "address not allowed")
    return port


def unix_path(address: bytes) -> bytes:
    """The path in a struct sockaddr_un; OSError with EACCES for an abstract name, which is the whole host's."""
    _check_family(address, socket.AF_UNIX)
    path = address[2 : 2 + PATH_BYTES]
    if not path:
        raise OSError(errno.EINVAL, "no path")
    if path[0] == 0:
        raise OSError(errno.EACCES, "abstract name")
    return path.split(b"\0", 1)[0]


def is_disconnect(address: bytes) -> bool:
    """Whether connect() with this address ends a connection instead."""
    return len(address) >= FAMILY.size and FAMILY.unpack_from(address)[0] == socket.AF_UNSPEC


def _check_family(address: bytes, family: int) -> None:
    if len(address) < FAMILY.size:
        raise OSError(errno.EINVAL, "address too short")
    if FAMILY.unpack_from(address)[0] != family:
        raise OSError(errno.EAFNOSUPPORT, "another family")
