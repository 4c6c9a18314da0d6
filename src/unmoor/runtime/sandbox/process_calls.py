"""Answers calls on other processes: signals, limits and priorities, for processes of the same sandbox only.

A call whose target cannot become another process is left to the kernel; a signal to another process is sent through a
pidfd, which names one process for ever.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Callable, Mapping

from .call_groups import OF_A_PROCESS
from .libc import LIBC
from .notification import Listener, Notification
from .processes import ProcessStatus, SandboxMembers, process_status
from .seccomp import GROUP, PROCESS
from .syscall_numbers import Architecture


class ProcessCalls:
    """OSError of a method is the answer to the call."""

    def __init__(self, listener: Listener, members: SandboxMembers, of: Architecture) -> None:
        self._listener = listener
        self._members = members
        self._tgkill = of.calls["tgkill"]

    def handlers(self) -> Mapping[str, Callable[[Notification, ProcessStatus], None]]:
        """The method for each call, by name."""
        return {
            "kill": self._kill,
            "tkill": self._tkill,
            "tgkill": self._signal_own_thread,
            "rt_tgsigqueueinfo": self._signal_own_thread,
            "rt_sigqueueinfo": self._signal_own_thread,
            "fcntl": self._set_owner,
            "setpriority": lambda call, caller: self._set_priority(call, PROCESS["setpriority"], GROUP["setpriority"]),
            "ioprio_set": lambda call, caller: self._set_priority(call, PROCESS["ioprio_set"], GROUP["ioprio_set"]),
            **dict.fromkeys(OF_A_PROCESS, self._act_on_process),
        }

    def answer(self, name: str, call: Notification) -> None:
        """Answers the call of that name."""
        caller = process_status(call.thread)
        if caller is not None and self._listener.is_waiting(call):
            self.handlers()[name](call, caller)

    def _kill(self, call: Notification, caller: ProcessStatus) -> None:
        target, number = call.argument(0), call.argument(1)
        own_group = os.getpgid(caller.process)
        if target == caller.process:
            self._listener.let_through(call)
        elif target in (0, -own_group):
            self._check_group(own_group)
            self._listener.let_through(call)
        elif target > 0:
            self._send(target, number)
            self._listener.answer(call)
        else:
            self._send_to_all(self._targets(target, caller), number)
            self._listener.answer(call)

    def _targets(self, target: int, caller: ProcessStatus) -> list[int]:
        """A group, or with -1 all processes of the sandbox but the caller's."""
        if target == -1:
            return [process for process in self._members.processes() if process != caller.process]
        self._check_group(-target)
        return self._members.group(-target)

    def _send_to_all(self, targets: list[int], number: int) -> None:
        """Succeeds if one of them received it, as in the kernel."""
        received = False
        for process in targets:
            with contextlib.suppress(OSError):
                self._send(process, number)
                received = True
        if not received:
            raise OSError(errno.ESRCH, "no process")

    def _send(self, thread: int, number: int) -> None:
        """Checks the process after the pidfd exists: so the pidfd names the process that was checked."""
        found = self._member(thread)
        handle = os.pidfd_open(found.process)
        try:
            self._member(found.process)
            signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)

    def _tkill(self, call: Notification, caller: ProcessStatus) -> None:
        """A thread of the caller's own process: while it waits, no other process has its number."""
        thread, number = call.argument(0), call.argument(1)
        if thread == call.thread:
            self._listener.let_through(call)
            return
        if LIBC.syscall(self._tgkill, caller.process, thread, number) != 0:
            raise OSError(errno.EPERM, "a thread of another process")
        self._listener.answer(call)

    def _signal_own_thread(self, call: Notification, caller: ProcessStatus) -> None:
        if call.argument(0) != caller.process:
            raise OSError(errno.EPERM, "another process")
        self._listener.let_through(call)

    def _set_owner(self, call: Notification, caller: ProcessStatus) -> None:
        target = call.argument(2)
        if target < 0:
            self._check_group(-target)
        elif target > 0:
            self._member(target)
        self._listener.let_through(call)

    def _set_priority(self, call: Notification, process: int, group: int) -> None:
        """Not of a whole user."""
        which, target = call.argument(0), call.argument(1)
        if which == process:
            self._member(target)
        elif which == group:
            self._check_group(target)
        else:
            raise OSError(errno.EPERM, "all processes of a user")
        self._listener.let_through(call)

    def _act_on_process(self, call: Notification, caller: ProcessStatus) -> None:
        self._member(call.argument(0))
        self._listener.let_through(call)

    def _member(self, thread: int) -> ProcessStatus:
        found = self._members.status(thread)
        if found is None:
            exists = process_status(thread) is not None
            raise OSError(errno.EPERM if exists else errno.ESRCH, "not of this sandbox")
        return found

    def _check_group(self, number: int) -> None:
        """A group is the sandbox's if all its processes are."""
        for process in self._members.group(number):
            self._member(process)
