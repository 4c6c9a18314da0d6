"""The processes of a sandbox, as /proc shows them to the runner."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

# A chain of parents is never longer, unless it changes while it is followed.
MOST_PARENTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """A thread's process and parent, and how many seccomp filters it has."""

    process: int
    parent: int
    filters: int


def process_status(thread: int) -> ProcessStatus | None:
    """The status; None if there is no such thread."""
    try:
        with open(f"/proc/{thread}/status", "rb") as file:
            lines = dict(line.split(b":", 1) for line in file.read().splitlines() if b":" in line)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return ProcessStatus(
        process=int(lines[b"Tgid"]),
        parent=int(lines[b"PPid"]),
        # Since 5.9, as are the listeners that the supervisor needs.
        filters=int(lines.get(b"Seccomp_filters", b"0")),
    )


class SandboxMembers:
    """The descendants of this process that have more filters than it has: what a confined process starts inherits
    both, and what the runner starts itself, such as git, has no filter of its own."""

    def __init__(self) -> None:
        own = process_status(os.getpid())
        assert own is not None
        self._own = own

    def status(self, thread: int) -> ProcessStatus | None:
        """The status of a thread of the sandbox; None if there is none, or if it is not of the sandbox."""
        first = found = process_status(thread)
        if found is None or found.filters <= self._own.filters:
            return None
        for _ in range(MOST_PARENTS):
            if found is None or found.parent == 0:
                return None
            if found.parent == self._own.process:
                return first
            found = process_status(found.parent)
        return None

    def processes(self) -> Iterator[int]:
        """Every process of the sandbox."""
        for name in os.listdir("/proc"):
            if name.isdigit() and self.status(int(name)) is not None:
                yield int(name)

    def group(self, number: int) -> list[int]:
        """Every process of this machine in the process group."""
        found: list[int] = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(ProcessLookupError):
                    found += [int(name)] if os.getpgid(int(name)) == number else []
        return found


def read_memory(thread: int, address: int, length: int) -> bytes:
    """A piece of a thread's memory; OSError if it is not mapped or not readable for the runner."""
    handle = os.open(f"/proc/{thread}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(handle, length, address)
    finally:
        os.close(handle)


def socket_inodes(process: int) -> Iterator[int]:
    """The inodes of the sockets that a process has open."""
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{process}/fd"):
            with contextlib.suppress(OSError):
                yield from _inode(os.readlink(f"/proc/{process}/fd/{name}"))


def socket_inode(thread: int, descriptor: int) -> int | None:
    """The inode of the socket behind a descriptor; None if it is not a socket, FileNotFoundError if it is not open."""
    return next(_inode(os.readlink(f"/proc/{thread}/fd/{descriptor}")), None)


def _inode(link: str) -> Iterator[int]:
    if link.startswith("socket:[") and link.endswith("]"):
        yield int(link[8:-1])
