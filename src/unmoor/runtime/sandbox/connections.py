"""Connects the sockets of a sandbox: the supervisor makes each one and connects its own duplicate of it.

The address is read once and never again by the kernel, so a thread that changes it meanwhile changes nothing. A
duplicate is dropped as soon as the socket is connected: it would keep the connection open when the harness closes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
from collections.abc import Collection
from dataclasses import dataclass

from .addresses import LONGEST, allowed_port, is_disconnect, unix_path
from .notification import Listener, Notification
from .processes import SandboxMembers, read_memory, socket_inode, socket_inodes

# Sockets that are open and not connected: more are refused, as by a limit on open files.
MOST_SOCKETS = 256
IN_PROGRESS = (errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN)
# struct timeval: the shortest time that SO_SNDTIMEO can express, for which connect() waits.
SHORTEST = struct.pack("@ll", 0, 1)


@dataclass(slots=True, eq=False)
class _Kept:
    """A duplicate, and the calls that wait for its connection; `connected` if its caller does not know it yet."""

    socket: socket.socket
    inode: int
    waiting: Notification | None = None
    target: tuple[str, int] | str = ""
    connected: bool = False

    @property
    def blocking(self) -> bool:
        """The harness's own choice, which both descriptors share."""
        return not fcntl.fcntl(self.socket, fcntl.F_GETFL) & os.O_NONBLOCK


class SupervisedSockets:
    """The sockets that are not connected yet. OSError of a method is the answer to the call."""

    def __init__(self, listener: Listener, members: SandboxMembers, ports: Collection[int], poll: select.poll) -> None:
        self._listener = listener
        self._members = members
        self._ports = frozenset(ports)
        self._poll = poll
        self._kept: dict[int, _Kept] = {}
        self._pending: dict[int, _Kept] = {}

    def create(self, call: Notification) -> None:
        """socket(): the filter has checked its arguments."""
        if len(self._kept) >= MOST_SOCKETS:
            self.drop_closed()
        if len(self._kept) >= MOST_SOCKETS:
            raise OSError(errno.EMFILE, "too many sockets that are not connected")
        family, type_, protocol = (call.argument(index) for index in range(3))
        own = socket.socket(family, type_, protocol)
        try:
            given = self._listener.give_descriptor(call, own.fileno(), close_on_exec=bool(type_ & socket.SOCK_CLOEXEC))
        except OSError:
            own.close()
            raise
        if not given:
            return own.close()
        inode = os.fstat(own.fileno()).st_ino
        self._kept[inode] = _Kept(own, inode)

    def connect(self, call: Notification) -> None:
        """connect(), to an allowed address only."""
        kept = self._find(call)
        length = call.arguments[2] & 0xFFFFFFFF
        if length > LONGEST:
            raise OSError(errno.EINVAL, "address too long")
        address = self._address(call, length)
        if not self._listener.is_waiting(call):
            return None
        if kept is None:
            # It is connected, as far as the supervisor knows; so the harness cannot connect it elsewhere either.
            raise OSError(errno.EISCONN, "connected")
        if is_disconnect(address):
            self._listener.answer(call, error=errno.EINVAL if kept.target else 0)
            return None
        if kept.connected:
            return self._settle(call, kept, 0)
        if kept.socket.family == socket.AF_UNIX:
            return self._connect_unix(call, kept, unix_path(address))
        port = allowed_port(address, kept.socket.family, self._ports)
        kept.target = ("127.0.0.1" if kept.socket.family == socket.AF_INET else "::ffff:127.0.0.1", port)
        return self._start(call, kept)

    def listen(self, call: Notification) -> None:
        """listen(), on Unix sockets only: nobody may connect to the harness from outside."""
        kept = self._find(call)
        if kept is None or kept.socket.family != socket.AF_UNIX:
            raise OSError(errno.EACCES, "listening not allowed")
        kept.socket.listen(call.argument(1))
        if self._listener.answer(call):
            self._drop(kept)

    def on_ready(self, descriptor: int) -> None:
        """Ends a connection that was in progress; called when the descriptor is ready, and from time to time."""
        kept = self._pending[descriptor]
        call, kept.waiting = kept.waiting, None
        self._unwatch(kept)
        if call is not None:
            return self._start(call, kept)
        # The caller does not wait: it learns the result from its own descriptor.
        if self._is_connected(kept):
            self._drop(kept)

    @property
    def has_undelivered(self) -> bool:
        """Whether a connection exists whose caller was interrupted, so that the duplicate may keep it open."""
        return any(kept.connected for kept in self._kept.values())

    def pending(self) -> list[int]:
        """The descriptors whose connections are in progress."""
        return list(self._pending)

    def drop_closed(self) -> None:
        """Drops the duplicates of sockets that no process of the sandbox has open any more."""
        held = {inode for process in self._members.processes() for inode in socket_inodes(process)}
        for kept in [kept for inode, kept in self._kept.items() if inode not in held]:
            self._drop(kept)

    def close(self) -> None:
        for kept in list(self._kept.values()):
            self._drop(kept)

    def _find(self, call: Notification) -> _Kept | None:
        try:
            inode = socket_inode(call.thread, call.argument(0))
        except FileNotFoundError:
            raise OSError(errno.EBADF, "not open") from None
        if inode is None:
            raise OSError(errno.ENOTSOCK, "not a socket")
        return self._kept.get(inode)

    def _address(self, call: Notification, length: int) -> bytes:
        try:
            return read_memory(call.thread, call.arguments[1], length)
        except PermissionError:
            raise OSError(errno.EACCES, "memory not readable") from None
        except OSError:
            raise OSError(errno.EFAULT, "address not mapped") from None

    def _connect_unix(self, call: Notification, kept: _Kept, path: bytes) -> None:
        """By a handle of the path, as the harness's own thread would find it."""
        base = f"/proc/{call.thread}/{'root' if path.startswith(b'/') else 'cwd'}/".encode()
        handle = os.open(base + path, os.O_PATH | os.O_CLOEXEC)
        try:
            kept.target = f"/proc/self/fd/{handle}"
            self._start(call, kept)
        finally:
            os.close(handle)

    def _start(self, call: Notification, kept: _Kept) -> None:
        """Connects without waiting, whatever the socket's own mode is, so that no other process waits either."""
        blocking = kept.blocking
        error = _connect_briefly(kept.socket, kept.target) if blocking else kept.socket.connect_ex(kept.target)
        if not blocking or error not in IN_PROGRESS or kept.socket.family == socket.AF_UNIX:
            return self._settle(call, kept, error)
        kept.waiting = call
        self._watch(kept)

    def _settle(self, call: Notification, kept: _Kept, error: int) -> None:
        if self._listener.answer(call, error=error):
            if error == errno.EINPROGRESS:
                self._watch(kept)
            elif error == 0 and kept.socket.type != socket.SOCK_DGRAM:
                self._drop(kept)
        elif error == 0:
            # The caller was interrupted and will make the same call again.
            kept.connected = True

    def _watch(self, kept: _Kept) -> None:
        self._pending[kept.socket.fileno()] = kept
        self._poll.register(kept.socket, select.POLLOUT)

    def _unwatch(self, kept: _Kept) -> None:
        if self._pending.pop(kept.socket.fileno(), None) is not None:
            self._poll.unregister(kept.socket)

    def _drop(self, kept: _Kept) -> None:
        self._unwatch(kept)
        self._kept.pop(kept.inode, None)
        kept.socket.close()

    @staticmethod
    def _is_connected(kept: _Kept) -> bool:
        try:
            kept.socket.getpeername()
        except OSError:
            return False
        return True


def _connect_briefly(own: socket.socket, target: tuple[str, int] | str) -> int:
    """connect() of a socket that blocks, for one tick at most."""
    before = own.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, len(SHORTEST))
    own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, SHORTEST)
    try:
        return own.connect_ex(target)
    finally:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, before)
