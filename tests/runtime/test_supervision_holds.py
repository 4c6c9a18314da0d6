"""The supervision outlives what a harness does to end it, and does no more for a harness than the kernel would."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from confined import ABIS, PROLOGUE, READ, confined, servers

from unmoor.runtime.sandbox import landlock
from unmoor.runtime.sandbox.confine import Mechanisms, prepare_sandbox
from unmoor.runtime.sandbox.landlock import Rules
from unmoor.runtime.sandbox.syscall_numbers import current_architecture

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(landlock.version() < 6, reason="this kernel's Landlock cannot play each older version"),
]
_of = current_architecture()
CALLS = dict(_of.calls) if _of else {}
# A filter of the harness's own that asks about connect(), with a listener (1 << 3).
LISTENER = f"""
def create_listener():
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, {CALLS.get("connect")}), (0x06, 0, 0, 0x7FC00000), (0x06, 0, 0, 0x7FFF0000)]
    memory = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    return call({CALLS.get("seccomp")}, 1, 1 << 3, struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(memory)))
"""


@pytest.mark.parametrize("abi", ABIS)
def test_no_argument_ends_the_supervision(tmp_path: Path, abi: int) -> None:
    """Every supervised call, with numbers and addresses at the edges of what they can be."""
    with servers() as at:
        code = f"""
import itertools, random
calls = {CALLS!r}
open("a", "w").close()
times = struct.pack("=8q", 1, 2**62, 1, 2**62, -2**63, 2**63 - 1, -1, 10**6)
texts = [ctypes.create_string_buffer(text, 64) for text in (b"a", b"", b"/proc/self/fd/" + b"9" * 40, b"\\xff/\\n", times)]
values = [0, 1, -1, 2, -100, 2**31 - 1, 2**31, 2**63 - 1, -(2**63), *map(ctypes.addressof, texts)]
values.append(ctypes.addressof(texts[-1]) + 16)
names = ["chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "utime", "utimes", "futimesat"]
names += ["utimensat", "truncate", "inotify_init", "inotify_init1", "inotify_add_watch", "socket", "connect", "setpriority"]
names += ["ioprio_set", "sched_setscheduler", "sched_setattr", "sched_setparam", "kill", "tgkill"]
drawn = random.Random(1)
for name in names:
    if name in calls:
        for path, _ in itertools.product(values, range(10)):
            rest = [0] * 3 if name in ("kill", "tgkill") else [drawn.choice(values) for _ in range(3)]
            number = call(calls[name], path, *rest)
            if isinstance(number, int) and number > 2 and name in ("socket", "inotify_init", "inotify_init1"):
                os.close(number)
call(calls.get("utimes", -1), b"a", times)
print(socket.create_connection(("127.0.0.1", {at.allowed})).recv(9).decode())
print(tried(lambda: socket.create_connection(("127.0.0.1", {at.forbidden}))))
"""
        assert confined(code, abi=abi, port=at.allowed, work=tmp_path).splitlines() == ["allowed", "EACCES"]


def test_a_harness_puts_no_listener_of_its_own_in_the_supervisors_place() -> None:
    """While the supervisor lives the kernel refuses it; afterwards it would decide what the supervisor decided."""
    code = (
        LISTENER
        + 'print(create_listener()); print("ready", flush=True); sys.stdin.readline(); print(create_listener())'
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-I", "-S", "-c", PROLOGUE + code]
    rules = Rules(read=READ, write=(), ports=(9,))
    with prepare_sandbox(rules, Mechanisms(landlock=2)) as sandbox:
        child = subprocess.Popen(command, preexec_fn=sandbox.apply, stdin=pipe, stdout=pipe, text=True)
        assert child.stdout is not None
        assert [child.stdout.readline() for _ in range(2)] == ["EBUSY\n", "ready\n"]
    assert child.communicate("\n")[0] == "EBUSY\n"


@pytest.mark.parametrize("abi", ABIS)
def test_no_pair_of_sockets_sends_to_a_path(tmp_path: Path, abi: int) -> None:
    """Linux makes datagram sockets of SOCK_RAW (3) too."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "socket"))
        receiver.setblocking(False)
        code = f"""
for kind in (2, 3, 3 | socket.SOCK_CLOEXEC, 4, 6, 10):
    print(tried(lambda: socket.socketpair(socket.AF_UNIX, kind)[0].sendto(b"x", {str(tmp_path / "socket")!r})))
print(tried(lambda: socket.socketpair(30, 2)))
for kind in (1, 5, 5 | socket.SOCK_CLOEXEC):
    a, b = socket.socketpair(socket.AF_UNIX, kind); a.send(b"x"); print(b.recv(1))
"""
        assert confined(code, abi=abi, port=9).splitlines() == [*["EPERM"] * 7, *["b'x'"] * 3]
        with pytest.raises(BlockingIOError):
            receiver.recv(1)


@pytest.mark.skipif(os.getuid() != 0, reason="only root has capabilities that its harness has not")
def test_the_supervisor_does_nothing_for_a_harness_that_its_rights_do_not_allow(tmp_path: Path) -> None:
    """Root's harness has no capabilities, so another user's private folder is closed to it."""
    private = tmp_path / "work" / "private"
    private.mkdir(parents=True)
    (private / "inner").mkdir()
    private.chmod(0o700)
    os.chown(private, 1234, 1234)
    code = """
own = LIBC.inotify_init1(0)
def watch(path):
    return LIBC.inotify_add_watch(own, path, 0x100) >= 0 or errno.errorcode[ctypes.get_errno()]
print(tried(lambda: os.listdir("private")), watch(b"private"), watch(b"private/inner"), watch(b"."))
"""
    assert confined(code, abi=6, port=9, work=tmp_path / "work") == "EACCES EACCES EACCES True"


@pytest.mark.parametrize("abi", ABIS[1:])
def test_no_terminal_is_opened(abi: int) -> None:
    leader, terminal = os.openpty()
    try:
        code = f"""
for path in ("/dev/ptmx", "/dev/pts/ptmx", {os.ttyname(terminal)!r}, "/dev/tty", "/dev/console"):
    print(tried(lambda: os.open(path, os.O_RDWR | os.O_NOCTTY)))
"""
        seen = confined(code, abi=abi, port=9).splitlines()
    finally:
        os.close(leader)
        os.close(terminal)
    assert seen[0] == seen[2] == "EACCES"
    assert set(seen) <= {"EACCES", "ENXIO", "ENOENT"}


@pytest.mark.parametrize("abi", [0, 6])
def test_calls_of_another_width_are_refused(abi: int) -> None:
    """x32 calls have a bit of their own, and int 0x80 makes 32-bit ones, whose numbers are others."""
    code = """
import mmap, platform
if platform.machine() != "x86_64":
    print("ENOSYS\\nENOSYS")
    sys.exit()
print(call(0x40000000 | 39))
child = os.fork()
if child == 0:
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(bytes.fromhex("b814000000cd80c3"))  # getpid() of 32-bit programs
    result = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    os._exit(-result if result < 0 else 0)
status = os.wait()[1]
# A kernel without 32-bit programs kills it.
print("ENOSYS" if os.WIFSIGNALED(status) else errno.errorcode.get(os.waitstatus_to_exitcode(status), "done"))
"""
    assert confined(code, abi=abi, port=9).splitlines() == ["ENOSYS", "ENOSYS"]
