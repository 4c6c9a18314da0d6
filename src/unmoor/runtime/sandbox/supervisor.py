"""The supervisor: a thread of the runner that answers the system calls which the filter leaves to it.

It ends when all processes of the sandbox have ended, and when its block ends. If it fails, every waiting call and every
later one fails with ENOSYS, so that nothing passes unchecked.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from .call_groups import OF_A_PROCESS, PRIORITIES, SIGNALS
from .capabilities import CAP_SYS_PTRACE, keep_capabilities
from .connections import SupervisedSockets
from .file_watches import FileWatches
from .landlock import Rules
from .metadata_calls import CALLS as METADATA_CALLS
from .metadata_calls import MetadataCalls
from .notification import Listener, Notification
from .process_calls import ProcessCalls
from .processes import SandboxMembers
from .syscall_numbers import Architecture

# Messages on the channel: the child's, with its listener or without one, and the runner's own.
LISTENER, NO_LISTENER, END = b"l", b"n", b"e"
SWEEP_MS = 1000
JOIN_S = 5.0


@contextmanager
def supervise(of: Architecture, rules: Rules) -> Iterator[socket.socket]:
    """The end of a channel on which the child sends its listener, which is answered until the block ends."""
    ours, childs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    thread = threading.Thread(target=_serve, args=(ours, of, rules), daemon=True, name="sandbox-supervisor")
    thread.start()
    try:
        yield childs
    finally:
        with contextlib.suppress(OSError):
            childs.send(END)
        thread.join(JOIN_S)
        childs.close()


def _serve(channel: socket.socket, of: Architecture, rules: Rules) -> None:
    """With the harness's own rights, which has no capabilities: a file that it may not reach, the supervisor may not
    either. To read its memory is all that is kept, where a platform allows that to privileged processes only."""
    keep_capabilities(CAP_SYS_PTRACE)
    with channel:
        message, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
        if message == LISTENER and descriptors:
            listener = Listener(descriptors[0])
            try:
                _Supervisor.create(channel, listener, of, rules).run()
            finally:
                listener.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Supervisor:
    """One sandbox's listener, and who answers which call."""

    channel: socket.socket
    listener: Listener
    sockets: SupervisedSockets
    watches: FileWatches
    poll: select.poll
    handlers: Mapping[int, Callable[[Notification], None]]

    @classmethod
    def create(cls, channel: socket.socket, listener: Listener, of: Architecture, rules: Rules) -> _Supervisor:
        poll, members = select.poll(), SandboxMembers()
        sockets = SupervisedSockets(listener, members, rules.ports, poll)
        processes = ProcessCalls(listener, members, of)
        files = MetadataCalls(listener, rules.write)
        watches = FileWatches(listener, members, rules)

        handlers = {"socket": sockets.create, "connect": sockets.connect, "listen": sockets.listen}
        handlers |= {"inotify_init1": watches.create, "inotify_add_watch": watches.add}
        handlers |= {"inotify_init": partial(watches.create, flags=0)}
        of_processes = (*SIGNALS, *OF_A_PROCESS, *PRIORITIES, "fcntl")
        handlers |= {name: partial(processes.answer, name) for name in of_processes}
        handlers |= {name: partial(files.answer, name) for name in METADATA_CALLS}
        by_number = {of.calls[name]: handler for name, handler in handlers.items() if name in of.calls}
        return cls(channel=channel, listener=listener, sockets=sockets, watches=watches, poll=poll, handlers=by_number)

    def run(self) -> None:
        """Answers until all processes of the sandbox have ended or the block ends."""
        self.poll.register(self.channel, select.POLLIN)
        self.poll.register(self.listener.descriptor, select.POLLIN)
        try:
            while self._step():
                pass
        finally:
            self.sockets.close()
            self.watches.close()

    def _step(self) -> bool:
        """Waits for the next events and answers them; False at the end."""
        ready = self.poll.poll(SWEEP_MS if self.sockets.has_undelivered else None)
        if not ready:
            # It fails where the runner has no descriptor left; the next sweep tries again.
            with contextlib.suppress(OSError):
                self.sockets.drop_closed()
        for descriptor, events in ready:
            if descriptor == self.channel.fileno():
                return False
            if descriptor != self.listener.descriptor:
                if descriptor in self.sockets.pending():
                    with contextlib.suppress(OSError):
                        self.sockets.on_ready(descriptor)
            elif events & select.POLLIN:
                self._answer_next()
            elif events & (select.POLLHUP | select.POLLERR):
                return False
        return True

    def _answer_next(self) -> None:
        call = self.listener.receive()
        if call is None:
            return
        try:
            self.handlers[call.call](call)
        except OSError as error:
            self.listener.answer(call, error=error.errno or errno.EACCES)
        except Exception:
            # A harness must not end the supervision by arguments that nobody thought of.
            self.listener.answer(call, error=errno.EACCES)


def send_listener(channel: socket.socket, listener: int) -> None:
    """Called in the child, before it executes the harness: hands its listener to the runner."""
    if listener >= 0:
        socket.send_fds(channel, [LISTENER], [listener])
        os.close(listener)
    else:
        channel.send(NO_LISTENER)
