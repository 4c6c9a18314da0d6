"""What a harness tries on kernels whose Landlock has no rules for it, and what the supervisor answers."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from confined import ABIS, confined, servers

from unmoor.runtime.sandbox import landlock
from unmoor.runtime.sandbox.syscall_numbers import current_architecture

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(landlock.version() < 6, reason="this kernel's Landlock cannot play each older version"),
]
on_each_abi = pytest.mark.parametrize("abi", ABIS)
_of = current_architecture()
CALLS = dict(_of.calls) if _of else {}


@on_each_abi
def test_only_the_address_and_port_of_the_guard_are_reached(abi: int) -> None:
    with servers() as at:
        seen = confined(
            f"""
for host, port in (("127.0.0.1", {at.allowed}), ("127.0.0.2", {at.allowed}), ("127.0.0.1", {at.forbidden}),
                   ("169.254.169.254", 80), ("0.0.0.0", {at.allowed}), ("192.0.2.1", {at.allowed})):
    s = socket.socket()
    print(tried(lambda: s.connect((host, port)) or s.recv(9).decode()))
for host in ("::ffff:127.0.0.1", "::1", "::ffff:127.0.0.2"):
    s = socket.socket(socket.AF_INET6)
    print(tried(lambda: s.connect((host, {at.allowed})) or s.recv(9).decode()))
""",
            abi=abi,
            port=at.allowed,
        )
    assert seen.splitlines() == ["allowed", *["EACCES"] * 5, "allowed", "EACCES", "EACCES"]
    assert at.accepted == ["allowed", "allowed"]


@on_each_abi
def test_an_address_that_changes_after_the_check_reaches_nothing_else(abi: int) -> None:
    """A thread swaps the port between the allowed and the forbidden one as fast as it can."""
    with servers() as at:
        seen = confined(
            f"""
from ctypes import byref, c_char
good = struct.pack("=H", 2) + struct.pack(">H", {at.allowed}) + socket.inet_aton("127.0.0.1") + bytes(8)
bad = struct.pack("=H", 2) + struct.pack(">H", {at.forbidden}) + socket.inet_aton("127.0.0.1") + bytes(8)
address = (c_char * 16)(*good)
ended = False
sys.setswitchinterval(1e-6)
def swap():
    while not ended:
        ctypes.memmove(address, bad, 16); ctypes.memmove(address, good, 16)
threads = [threading.Thread(target=swap) for _ in range(2)]
for t in threads: t.start()
results = []
for _ in range(400):
    s = socket.socket()
    results.append(LIBC.connect(s.fileno(), byref(address), 16) and errno.errorcode[ctypes.get_errno()])
    s.close()
ended = True
print(sorted({{str(r) for r in results}}))
""",
            abi=abi,
            port=at.allowed,
        )
    assert seen == "['0', 'EACCES']"
    assert set(at.accepted) == {"allowed"}


@on_each_abi
def test_a_descriptor_that_changes_after_the_check_reaches_nothing_else(abi: int) -> None:
    """A thread puts other sockets behind the descriptor's number while the call waits."""
    with servers() as at:
        seen = confined(
            f"""
sys.setswitchinterval(1e-6)
ended = False
number = os.open("/dev/null", os.O_RDONLY)
def swap():
    while not ended:
        for one in (socket.socket(), socket.socketpair()[0]):
            os.dup2(one.fileno(), number); one.close()
thread = threading.Thread(target=swap); thread.start()
good = struct.pack("=H", 2) + struct.pack(">H", {at.allowed}) + socket.inet_aton("127.0.0.1") + bytes(8)
bad = struct.pack("=H", 2) + struct.pack(">H", {at.forbidden}) + socket.inet_aton("127.0.0.1") + bytes(8)
for _ in range(200):
    LIBC.connect(number, good, 16); LIBC.connect(number, bad, 16)
ended = True
print("tried")
""",
            abi=abi,
            port=at.allowed,
        )
    assert seen == "tried"
    assert set(at.accepted) <= {"allowed"}


@on_each_abi
def test_listening_and_every_other_kind_of_socket_are_refused(abi: int) -> None:
    seen = confined(
        """
s = socket.socket(); s.bind(("127.0.0.1", 0))
print(tried(s.listen))
print(tried(lambda: socket.socket().listen()))
for kind in ((2, 2), (10, 2), (2, 3, 1), (17, 3), (2, 1, 262), (2, 1, 256), (40, 1), (16, 3, 12), (1, 1), (1, 2)):
    print(tried(lambda: socket.socket(*kind)))
print(tried(lambda: socket.socket().sendto(b"x", 0x20000000, ("127.0.0.1", 9))))
print(call(425, 1, 0))
""",
        abi=abi,
        port=9,
    )
    assert seen.splitlines() == [*["EACCES"] * 2, *["EPERM"] * 11, "ENOSYS"]


@on_each_abi
def test_other_processes_are_out_of_reach_by_every_call(abi: int) -> None:
    seen = confined(
        f"""
runner = os.getppid()
calls = {CALLS!r}
info = (ctypes.c_char * 128)(*struct.pack("=iii", 15, 0, -1))
piece = (ctypes.c_size_t * 2)(ctypes.addressof(info), 8)
def owner(command):
    import fcntl
    a, b = socket.socketpair()
    fcntl.fcntl(a, command, runner if command == 8 else struct.pack("ii", 1, runner)), a.close()
def own_ioctl(command):
    import fcntl
    a, b = socket.socketpair()
    return fcntl.ioctl(a, command, struct.pack("i", runner))
attempts = {{
    "environ": lambda: open(f"/proc/{{runner}}/environ", "rb").read(),
    "mem": lambda: open(f"/proc/{{runner}}/mem", "rb").read(1),
    "fd": lambda: os.readlink(f"/proc/{{runner}}/fd/0"),
    "kill": lambda: os.kill(runner, 0),
    "kill group": lambda: os.kill(-os.getpgid(runner), 0),
    "tkill": lambda: call(calls["tkill"], runner, 0),
    "tgkill": lambda: call(calls["tgkill"], runner, runner, 0),
    "sigqueue": lambda: call(calls["rt_sigqueueinfo"], runner, 15, info),
    "tgsigqueue": lambda: call(calls["rt_tgsigqueueinfo"], runner, runner, 15, info),
    "pidfd": lambda: signal.pidfd_send_signal(os.pidfd_open(runner), 0),
    "limits": lambda: resource.prlimit(runner, resource.RLIMIT_NOFILE),
    "affinity": lambda: os.sched_setaffinity(runner, [0]),
    "scheduler": lambda: os.sched_setscheduler(runner, os.SCHED_BATCH, os.sched_param(0)),
    "parameters": lambda: os.sched_setparam(runner, os.sched_param(0)),
    "attributes": lambda: call(calls["sched_setattr"], runner, bytes(48), 0),
    "priority": lambda: os.setpriority(0, runner, 19),
    "priority of its group": lambda: os.setpriority(1, os.getpgid(runner), 19),
    "priority of the user": lambda: os.setpriority(2, os.getuid(), 19),
    "input": lambda: call(calls["ioprio_set"], 1, runner, 0),
    "attach": lambda: call(calls["ptrace"], 16, runner, 0, 0),
    "read": lambda: call(calls["process_vm_readv"], runner, piece, 1, piece, 1, 0),
    "write": lambda: call(calls["process_vm_writev"], runner, piece, 1, piece, 1, 0),
    "compare": lambda: call(calls["kcmp"], os.getpid(), runner, 0, 0, 0),
    "descriptor": lambda: call(calls["pidfd_getfd"], os.pidfd_open(runner), 0, 0),
    "pages": lambda: call(calls["move_pages"], runner, 0, 0, 0, 0, 0),
    "migrate": lambda: call(calls["migrate_pages"], runner, 1, struct.pack("L", 1), struct.pack("L", 1)),
    "owner": lambda: owner(8),
    "keyring": lambda: call(calls["keyctl"], 0, -4, 0),
    "key": lambda: call(calls["add_key"], b"user", b"a", b"b", 1, -4),
    "request": lambda: call(calls["request_key"], b"user", b"a", 0, -4),
    "bpf": lambda: call(calls["bpf"], 0, 0, 0),
    "perf": lambda: call(calls["perf_event_open"], bytes(128), runner, -1, -1, 0),
    "fault": lambda: call(calls["userfaultfd"], 1),
    "release": lambda: call(calls["process_mrelease"], os.pidfd_open(runner), 0),
    "shared memory": lambda: call(calls["shmget"], 1, 4096, 0o1600),
    "semaphores": lambda: call(calls["semget"], 1, 1, 0o1600),
    "messages": lambda: call(calls["msgget"], 1, 0o1600),
    "queue": lambda: call(calls["mq_open"], b"unmoor-test", 0o102, 0o600, 0),
}}
if {abi} < 6:
    attempts |= {{"owner ex": lambda: owner(15), "socket owner": lambda: own_ioctl(0x8901), "group": lambda: own_ioctl(0x8902)}}
for name, act in attempts.items():
    print(name, tried(act))
""",
        abi=abi,
        port=9,
    )
    results = dict(line.rsplit(" ", 1) for line in seen.splitlines())
    if abi >= landlock.SCOPES_SINCE:
        # Landlock checks it when a signal is sent.
        results.pop("owner")
    absent = {"shared memory", "semaphores", "messages", "queue"} | ({"pidfd"} if abi < 6 else set())
    wrong = {n: r for n, r in results.items() if r not in (("ENOSYS",) if n in absent else ("EPERM", "EACCES"))}
    assert wrong == {}


@on_each_abi
def test_signals_within_the_sandbox_arrive(abi: int) -> None:
    seen = confined(
        """
got = []
signal.signal(signal.SIGUSR1, lambda *_: got.append("kill"))
os.kill(os.getpid(), signal.SIGUSR1); signal.raise_signal(signal.SIGUSR1)
signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
print(got)
def killed(act, **more):
    child = subprocess.Popen(["sleep", "60"], **more)
    act(child)
    return -child.wait()
print(killed(lambda c: c.terminate()), killed(lambda c: os.killpg(c.pid, 9), start_new_session=True))
print(killed(lambda c: os.kill(-1, 9)))
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
print(tried(lambda: os.killpg(0, signal.SIGUSR2)), tried(lambda: os.kill(0, 0)), tried(lambda: os.kill(4000000, 0)))
# An orphan, which is a child of the runner.
orphan = int(subprocess.run(["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"], capture_output=True).stdout)
print(tried(lambda: os.kill(orphan, 9)))
print(resource.prlimit(os.getpid(), resource.RLIMIT_CORE), os.sched_setaffinity(threading.get_native_id(), os.sched_getaffinity(0)))
os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 1); os.setpriority(os.PRIO_PGRP, 0, 2)
print(os.getpriority(0, 0))
""",
        abi=abi,
        port=9,
    )
    lines = ["['kill', 'kill', 'kill']", "15 9", "9", "None None ESRCH", "None", "(0, 0) None", "2"]
    assert seen.splitlines() == lines


@on_each_abi
def test_a_program_that_hides_its_memory_can_still_connect(abi: int) -> None:
    with servers() as at:
        code = f"""
print(LIBC.prctl(4, 0, 0, 0, 0))
s = socket.create_connection(("127.0.0.1", {at.allowed})); print(s.recv(9).decode())
"""
        assert confined(code, abi=abi, port=at.allowed).splitlines() == ["0", "allowed"]


def test_no_thread_and_no_descriptor_is_left(tmp_path: Path) -> None:
    def count() -> tuple[int, int]:
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    with servers() as at:
        code = f"""
kept = [socket.socket() for _ in range(50)]
for one in kept: tried(lambda: one.connect(("127.0.0.1", {at.forbidden})))
subprocess.Popen(["sleep", "0.01"])
"""
        before = count()
        for abi in ABIS:
            confined(code + "\nsubprocess.run(['true'])\nos.wait()", abi=abi, port=at.allowed)
        assert count() == before
