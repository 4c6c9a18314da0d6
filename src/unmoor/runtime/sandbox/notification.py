"""seccomp user notification: a system call of a confined process waits until the supervisor answers it.

https://man7.org/linux/man-pages/man2/seccomp_unotify.2.html; the structures are those of linux/seccomp.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import struct
from dataclasses import dataclass

from .bpf import BpfProgram
from .libc import LIBC
from .seccomp import NEW_LISTENER, SET_MODE_FILTER

WAIT_KILLABLE = 1 << 5
RECEIVE, SEND, IS_VALID, ADD_DESCRIPTOR = 0xC0502100, 0xC0182101, 0x40082102, 0x40182103
NOTIFICATION = struct.Struct("=QII iIQ 6Q")
ANSWER = struct.Struct("=QqiI")
DESCRIPTOR = struct.Struct("=QIIII")
CONTINUE = 1
ANSWER_TOO = 1 << 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A waiting call: its number, its arguments, and the thread that makes it."""

    id: int
    thread: int
    call: int
    arguments: tuple[int, ...]

    def argument(self, index: int) -> int:
        """An argument that is an int."""
        return ctypes.c_int32(self.arguments[index] & 0xFFFFFFFF).value


def create_listener(number: int, program: BpfProgram) -> int:
    """Applies the filter to this process and returns its listener; negative if the kernel or the platform refuses.

    Where the kernel can (5.19), a signal does not interrupt a call that the supervisor has begun to answer.
    """
    for flags in (NEW_LISTENER | WAIT_KILLABLE, NEW_LISTENER):
        listener = int(LIBC.syscall(number, SET_MODE_FILTER, flags, ctypes.byref(program)))
        if listener >= 0:
            return listener
    return -1


class Listener:
    """Receives and answers the notifications of one filter."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._buffer = bytearray(NOTIFICATION.size)

    def receive(self) -> Notification | None:
        """The next notification; None if its caller was interrupted or killed meanwhile."""
        self._buffer[:] = bytes(NOTIFICATION.size)
        try:
            fcntl.ioctl(self.descriptor, RECEIVE, self._buffer, True)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):
                return None
            raise
        id_, thread, _, call, _, _, *arguments = NOTIFICATION.unpack(self._buffer)
        return Notification(id=id_, thread=thread, call=call, arguments=tuple(arguments))

    def is_waiting(self, call: Notification) -> bool:
        """Whether the call still waits. Whatever was read of its thread before then was the thread's, and not that of
        another process with the same number."""
        try:
            fcntl.ioctl(self.descriptor, IS_VALID, struct.pack("=Q", call.id))
        except OSError:
            return False
        return True

    def answer(self, call: Notification, *, value: int = 0, error: int = 0) -> bool:
        """Ends the call with this value or error; False if it was interrupted."""
        return self._send(ANSWER.pack(call.id, value, -error, 0))

    def let_through(self, call: Notification) -> bool:
        """Lets the kernel execute the call: only where its arguments cannot change what was checked."""
        return self._send(ANSWER.pack(call.id, 0, 0, CONTINUE))

    def give_descriptor(self, call: Notification, descriptor: int, *, close_on_exec: bool) -> bool:
        """Answers the call with a copy of the descriptor; False if it was interrupted, OSError if it has too many."""
        flags = os.O_CLOEXEC if close_on_exec else 0
        try:
            fcntl.ioctl(self.descriptor, ADD_DESCRIPTOR, DESCRIPTOR.pack(call.id, ANSWER_TOO, descriptor, 0, flags))
        except OSError as error:
            if error.errno == errno.ENOENT:
                return False
            if error.errno != errno.EINVAL:
                raise
            return self._give_in_two_steps(call, descriptor, flags)
        return True

    def _give_in_two_steps(self, call: Notification, descriptor: int, flags: int) -> bool:
        """Before 5.14; a call that is interrupted between the two leaves the caller an unused descriptor."""
        # Of a buffer that can change, ioctl() returns the call's own result, which is the new descriptor's number.
        request = bytearray(DESCRIPTOR.pack(call.id, 0, descriptor, 0, flags))
        given = fcntl.ioctl(self.descriptor, ADD_DESCRIPTOR, request, True)
        return self.answer(call, value=given)

    def _send(self, answer: bytes) -> bool:
        try:
            fcntl.ioctl(self.descriptor, SEND, answer)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINPROGRESS):
                return False
            raise
        return True

    def close(self) -> None:
        """Calls that still wait, and all later ones, fail with ENOSYS."""
        with contextlib.suppress(OSError):
            os.close(self.descriptor)
