"""A harness's processes: all of them found, and all of them ended.

A process that daemonises leaves its group and its session, but not its line of descent: the runner is the subreaper of
everything below it, so an orphan becomes its child, and whoever descends from the runner belongs to the run.
https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Mapping

from unmoor.runtime.sandbox.libc import LIBC, PR_SET_CHILD_SUBREAPER

ZOMBIE = b"Z"
# Some seconds of looking: for one that never stops starting itself anew, which a container's limits then end.
MOST_LOOKS = 2000


def become_subreaper() -> None:
    """From here on orphans below this process become its children."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(of: int, *, spare: frozenset[int] = frozenset()) -> list[int]:
    """Every living process below that one, children before grandchildren; nothing of what is spared or below it."""
    return [pid for pid, state in _below(of, spare) if state != ZOMBIE]


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Sends the signal to each that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def kill_all(of: int, *, spare: frozenset[int] = frozenset()) -> int:
    """Ends everything below a process but what is spared, at once and for good; how many there were.

    They are stopped before they are killed, so that none of them forks while the others die. What was born meanwhile is
    found by looking again, until nothing lives and nothing new is dead: a process that only starts the next one and
    exits may be missed by a look, but its remains are not.
    """
    killed: set[int] = set()
    remains: set[int] = set()
    for _ in range(MOST_LOOKS):
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
    """Takes the exits of adopted children but those spared: as zombies they would use up the container's processes."""
    for pid, (state, parent) in _processes().items():
        if state == ZOMBIE and parent == of and pid not in spare:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _below(of: int, spare: frozenset[int]) -> list[tuple[int, bytes]]:
    """The processes below that one and their states, children before grandchildren; zombies are among them."""
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
                # The name in parentheses may hold anything, so the rest begins after the last one.
                state, parent = file.read().rsplit(b")", 1)[1].split()[:2]
        except (OSError, IndexError):
            continue
        found[int(name)] = (state, int(parent))
    return found
