"""Where the supervision ends: options that lead elsewhere, platforms that refuse it, runners without privileges."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from confined import ABIS, READ, confined

from unmoor.runtime.sandbox import landlock
from unmoor.runtime.sandbox.confine import Mechanisms, prepare_sandbox
from unmoor.runtime.sandbox.landlock import Rules

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(landlock.version() < 6, reason="this kernel's Landlock cannot play each older version"),
]


@pytest.mark.parametrize("abi", ABIS)
def test_no_option_sends_a_connection_elsewhere_than_its_address(abi: int) -> None:
    """A source route names other hosts on the way, and a bound interface leaves the loopback."""
    seen = confined(
        """
route = bytes([131, 7, 4]) + socket.inet_aton("127.0.0.2") + b"\\0"
for family in (socket.AF_INET, socket.AF_INET6):
    s = socket.socket(family)
    print(tried(lambda: s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, route)),
          tried(lambda: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")),
          tried(lambda: s.setsockopt(socket.SOL_SOCKET, 62, 1)),
          tried(lambda: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)),
          tried(lambda: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)))
""",
        abi=abi,
        port=9,
    )
    assert seen.splitlines() == ["EPERM EPERM EPERM None None"] * 2


def test_a_process_that_outlives_its_supervisor_can_neither_create_nor_connect_a_socket() -> None:
    code = """
import errno, socket, sys
own = socket.socket()
print("ready", flush=True)
sys.stdin.readline()
for act in (socket.socket, lambda: own.connect(("127.0.0.1", 9))):
    try:
        print(act())
    except OSError as error:
        print(errno.errorcode[error.errno])
"""
    pipe = subprocess.PIPE
    command = [sys.executable, "-I", "-S", "-c", code]
    rules = Rules(read=READ, write=(), ports=(9,))
    with prepare_sandbox(rules, Mechanisms(landlock=2)) as sandbox:
        child = subprocess.Popen(command, preexec_fn=sandbox.apply, stdin=pipe, stdout=pipe, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    assert child.communicate("\n")[0].splitlines() == ["ENOSYS", "ENOSYS"]


# A runner whose platform refuses one call of the supervision, and what its probe reports.
REFUSING = """
import asyncio, ctypes, errno, sys
from unmoor.runtime.sandbox import bpf, landlock
from unmoor.runtime.sandbox.confine import Mechanisms
from unmoor.runtime.sandbox.libc import LIBC
from unmoor.runtime.sandbox.notification import ADD_DESCRIPTOR
from unmoor.runtime.sandbox.probe import probe_sandbox
from unmoor.runtime.sandbox.syscall_numbers import current_architecture
of = current_architecture()
refused = {
    "seccomp": bpf.on_call(of.calls["seccomp"], [bpf.refuse(errno.EPERM)]),
    "descriptor": bpf.on_call(
        of.calls["ioctl"], bpf.if_argument(1, ADD_DESCRIPTOR, bpf.refuse(errno.EPERM), bpf.allow())
    ),
}[sys.argv[1]]
code, memory = bpf.program(b"".join([*bpf.load_call(of.audit), *refused, bpf.allow()]))
LIBC.prctl(38, 1, 0, 0, 0)
assert LIBC.prctl(22, 2, ctypes.byref(code), 0, 0) == 0
rules = landlock.Rules(read=("/usr", "/lib", "/lib64", "/etc", "/proc"), write=("/dev/null",), ports=(9,))
for abi in (6, 2):
    report = asyncio.run(probe_sandbox(rules, forbidden=[sys.argv[2]], mechanisms=Mechanisms(landlock=abi)))
    print(report.mechanisms.supervised, report)
"""


@pytest.mark.parametrize("refused", ["seccomp", "descriptor"])
def test_where_the_platform_refuses_the_supervision_the_filter_holds_alone_and_the_probe_says_so(
    tmp_path: Path, refused: str
) -> None:
    (tmp_path / "forbidden").write_text("x")
    command = [sys.executable, "-c", REFUSING, refused, str(tmp_path / "forbidden")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "False enforced by landlock+seccomp, by port only",
        "False advisory: kernel has no Landlock network rules; files enforced by landlock",
    ]


# A runner without privileges on a kernel without Landlock: only its own hiding protects its environment.
UNPRIVILEGED = """
import asyncio.subprocess, ctypes, os, signal, sys
sys.path.insert(0, sys.argv[1])
from confined import confined, servers
os.setgroups([]); os.setgid(65534); os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # becoming another user has hidden it already
with servers() as at:
    print(confined(f'''
runner = os.getppid()
LINKS = ("fd/0", "cwd", "root")
for name in ("environ", "mem", "maps", "oom_score_adj", *LINKS):
    path = f"/proc/{{runner}}/{{name}}"
    print(name, tried(lambda: os.readlink(path) if name in LINKS else os.open(path, os.O_RDWR)))
print("kill", tried(lambda: os.kill(runner, 0)))
print("connect", socket.create_connection(("127.0.0.1", {at.allowed})).recv(9).decode())
print("elsewhere", tried(lambda: socket.create_connection(("127.0.0.2", {at.allowed}))))
print("victim", open("/proc/self/oom_score_adj").read().strip())
''', abi=0, port=at.allowed, python="/usr/bin/python3"))
"""


@pytest.mark.skipif(
    os.getuid() != 0 or not Path("/usr/bin/python3").exists(),
    reason="only root can become another user, who needs a Python that it may execute",
)
def test_a_runner_without_privileges_supervises_and_is_hidden_without_landlock() -> None:
    command = [sys.executable, "-c", UNPRIVILEGED, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seen = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert {seen.pop(n) for n in ("environ", "mem", "maps", "fd/0", "cwd", "root", "oom_score_adj")} == {"EACCES"}
    assert seen == {"kill": "EPERM", "connect": "allowed", "elsewhere": "EACCES", "victim": "1000"}


def test_every_service_of_the_image_hides_its_memory_first() -> None:
    code = (
        "import ctypes; from unmoor.runtime.__main__ import main; before = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0);"
        "main(['no-such-command']); print(before, ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 0\n"


@pytest.mark.parametrize("abi", [0, 6])
def test_a_harness_makes_no_namespaces_of_its_own_and_threads_and_children_all_the_same(abi: int) -> None:
    code = """
import platform
number = {"x86_64": (56, 272, 308), "aarch64": (220, 97, 268)}[platform.machine()]
for flag in (0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x08000000):
    print(call(number[0], flag | 17, 0, 0, 0, 0), call(number[1], flag), end=" ")
print(call(435, 0, 0), call(number[2], 0, 0x10000000))
threading.Thread(target=print, args=("thread",)).start()
print(subprocess.run(["/bin/sh", "-c", "echo child"], capture_output=True, text=True).stdout, end="")
"""
    seen = confined(code, abi=abi, port=9).splitlines()
    assert seen == ["EPERM " * 10 + "ENOSYS EPERM", "thread", "child"]


@pytest.mark.parametrize(("abi", "result"), [(0, "EPERM"), (1, "0"), (6, "0")])
def test_a_debugger_works_on_its_own_children_where_landlock_limits_it_to_them(abi: int, result: str) -> None:
    from unmoor.runtime.sandbox.syscall_numbers import current_architecture

    of = current_architecture()
    assert of is not None
    assert confined(f"print(call({of.calls['ptrace']}, 0, 0, 0, 0))", abi=abi, port=9) == result
