"""Finds and ends all processes of a harness.

A daemon leaves its process group and session, but stays a descendant: the runner is a subreaper, so orphans become its
children, and every descendant of the runner belongs to the run.
https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Mapping

from unmoor.runtime.sandbox.libc import LIBC, PR_SET_CHILD_SUBREAPER

ZOMBIE = b"Z"
# Some seconds: a process that keeps forking is ended by the container's limits.
MAX_SCANS = 2000


def become_subreaper() -> None:
    """Makes orphaned descendants children of this process from now on."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(of: int, *, spare: frozenset[int] = frozenset()) -> list[int]:
    """The living descendants, children before grandchildren, without spared processes and their descendants."""
    return [pid for pid, state in _below(of, spare) if state != ZOMBIE]


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Sends the signal to each process that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def kill_all(of: int, *, spare: frozenset[int] = frozenset()) -> int:
    """Kills all descendants but spared ones, and returns how many there were.

    They are stopped before they are killed, so that none forks while others die. Scans repeat until nothing lives and
    no new zombie appears: a scan may miss a process that starts the next one and exits, but not its zombie.
    """
    killed: set[int] = set()
    remains: set[int] = set()
    for _ in range(MAX_SCANS):
        found = _below(of, spare)
        living = [pid for pid, state in found if state != ZOMBIE and pid not in killed]
        dead = {pid for pid, state in found if state == ZOMBIE}
        if not living and dead <= remains | killed:
            break
        signal_all(living, signal.SIGSTOP)
        signal_all(living, signal.SIGKILL)
        killed.update(living)
        remains |= dead
    return len(killed)


def reap(of: int, *, spare: frozenset[int]) -> None:
    """Reaps adopted children but spared ones: zombies count against the container's process limit."""
    for pid, (state, parent) in _processes().items():
        if state == ZOMBIE and parent == of and pid not in spare:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _below(of: int, spare: frozenset[int]) -> list[tuple[int, bytes]]:
    """The descendants with their states, including zombies, children before grandchildren."""
    children: dict[int, list[tuple[int, bytes]]] = {}
    for pid, (state, parent) in _processes().items():
        if pid not in spare:
            children.setdefault(parent, []).append((pid, state))
    found, level = [], children.get(of, [])
    while level:
        found += level
        level = [child for pid, _ in level for child in children.get(pid, [])]
    return found


def _processes() -> Mapping[int, tuple[bytes, int]]:
    """Each process's state and parent."""
    found: dict[int, tuple[bytes, int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # The name in parentheses may contain anything, so the rest begins after the last parenthesis.
                state, parent = file.read().rsplit(b")", 1)[1].split()[:2]
        except (OSError, IndexError):
            continue
        found[int(name)] = (state, int(parent))
    return found
