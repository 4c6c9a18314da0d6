"""What stands for a forked program in its parent's eyes; see forked.py. It imports little, since it starts often."""

import marshal
import os
import signal
import socket
import sys
import time

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def main(server: str, program: str, arguments: list[str]) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    connection = connect(f"\0{server}")
    wish = marshal.dumps((program, arguments, dict(os.environ), os.getcwd()))
    socket.send_fds(connection, [wish], [0, 1, 2])
    fork = int(connection.recv(32))
    os.closerange(0, 3)
    for number in FORWARDED:
        signal.signal(number, lambda n, _: os.kill(fork, n))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    code = os.waitstatus_to_exitcode(int(connection.recv(32)))
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    os._exit(code)


def connect(address: str) -> socket.socket:
    """A connection to the server, which may still be importing."""
    deadline = time.monotonic() + 120
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.connect(address)
            return connection
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


main(sys.argv[1], sys.argv[2], sys.argv[3:])
