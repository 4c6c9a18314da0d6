"""What a harness tries from inside its fence, and what it sees."""

from __future__ import annotations

import asyncio
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs import Bench, command_spec

from unmoor.runtime.run.directories import RunDirectories, leave_out, sandbox_rules
from unmoor.runtime.sandbox import landlock
from unmoor.runtime.sandbox.confine import Mechanisms, prepare_sandbox
from unmoor.runtime.sandbox.probe import probe_sandbox
from unmoor.runtime.sandbox.report import ATTEMPTS, interpret
from unmoor.runtime.sandbox.seccomp import FilterOptions, instructions
from unmoor.runtime.sandbox.syscall_numbers import MACHINES

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(landlock.version() < 6, reason="this kernel's Landlock has no network rules or scopes"),
]

RULES = landlock.Rules(read=("/usr", "/lib", "/lib64", "/etc", "/proc"), write=("/dev/null",), ports=(8790,))
SEEN = {name: errors[0] for name, errors in ATTEMPTS.items()}


def attack(tmp_path: Path, code: str) -> str:
    """What Python code that a harness runs says of what it tried."""
    program = f"""
import ctypes, errno, os, signal, socket, subprocess, sys
def tried(act):
    try:
        return act()
    except OSError as error:
        return errno.errorcode.get(error.errno, error.errno)
{code}
"""
    run = Bench(tmp_path, command_spec("python3", "-I", "-c", program)).run()
    assert run.record.confinement == "enforced by landlock+seccomp"
    assert run.record.status == "succeeded", run.record.reason
    return run.record.answer


@pytest.fixture
def listening() -> Iterator[int]:
    """A server on loopback that a harness must not reach."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_tcp_to_any_port_but_the_guards_is_refused(tmp_path: Path, listening: int) -> None:
    code = f'print(tried(lambda: socket.create_connection(("127.0.0.1", {listening}))))'
    assert attack(tmp_path, code) == "EACCES"


@pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "10.0.0.1"])
def test_metadata_endpoints_are_out_of_reach(tmp_path: Path, address: str) -> None:
    assert attack(tmp_path, f'print(tried(lambda: socket.create_connection(("{address}", 80), 2)))') == "EACCES"


def test_tcp_over_ipv6_is_refused_too(tmp_path: Path) -> None:
    assert attack(tmp_path, 'print(tried(lambda: socket.create_connection(("::1", 80), 2)))') == "EACCES"


@pytest.mark.parametrize(
    "arguments",
    [
        "socket.AF_INET, socket.SOCK_DGRAM",
        "socket.AF_INET6, socket.SOCK_DGRAM",
        "socket.AF_INET, socket.SOCK_RAW, 1",
        "socket.AF_PACKET, socket.SOCK_RAW",
        "socket.AF_INET, socket.SOCK_STREAM, 262",
        "40, socket.SOCK_STREAM",
        "socket.AF_NETLINK, socket.SOCK_RAW, 12",
        "socket.AF_UNIX, socket.SOCK_STREAM",
    ],
)
def test_no_other_kind_of_socket_can_be_made(tmp_path: Path, arguments: str) -> None:
    assert attack(tmp_path, f"print(tried(lambda: socket.socket({arguments})))") == "EPERM"


def test_a_name_cannot_be_resolved_by_asking_a_server(tmp_path: Path) -> None:
    code = """
try:
    socket.getaddrinfo("example.com", 443)
    print("resolved")
except socket.gaierror:
    print("not resolved")
"""
    assert attack(tmp_path, code) == "not resolved"


def test_connecting_by_sending_is_refused(tmp_path: Path, listening: int) -> None:
    code = f"""
s = socket.socket()
print(tried(lambda: s.sendto(b"GET / HTTP/1.0\\r\\n\\r\\n", 0x20000000, ("127.0.0.1", {listening}))))
print(tried(lambda: s.sendmsg([b"x"], [], 0x20000000, ("127.0.0.1", {listening}))))
"""
    assert attack(tmp_path, code) == "EPERM\nEPERM"


def test_io_uring_is_not_there(tmp_path: Path) -> None:
    code = (
        "libc = ctypes.CDLL(None, use_errno=True); libc.syscall(425, 1, 0); print(errno.errorcode[ctypes.get_errno()])"
    )
    assert attack(tmp_path, code) == "ENOSYS"


def test_a_child_and_a_grandchild_are_confined_as_well(tmp_path: Path, listening: int) -> None:
    inner = f"""bash -c 'exec 3<>/dev/tcp/127.0.0.1/{listening}' 2>&1; setsid bash -c 'exec 3<>/dev/tcp/127.0.0.1/{listening}' 2>&1"""
    code = f"print(subprocess.run(['sh', '-c', {inner!r}], capture_output=True, text=True).stdout)"
    assert attack(tmp_path, code).count("connect: Permission denied") == 2


def test_the_runners_memory_environment_and_signals_are_out_of_its_hands(tmp_path: Path) -> None:
    code = """
parent = os.getppid()
for name in ("environ", "maps", "mem", "root"):
    print(name, tried(lambda: os.listdir(f"/proc/{parent}/root") if name == "root" else open(f"/proc/{parent}/{name}", "rb").read(10)))
print("signal", tried(lambda: os.kill(parent, signal.SIGTERM)))
print("attach", ctypes.CDLL(None, use_errno=True).ptrace(16, parent, 0, 0), errno.errorcode[ctypes.get_errno()])
"""
    said = dict(line.split(" ", 1) for line in attack(tmp_path, code).splitlines())
    assert {said[name] for name in ("environ", "maps", "mem", "root")} <= {"EACCES", "EPERM"}
    assert said["signal"] == "EPERM"
    assert said["attach"] == "-1 EPERM"


def test_the_store_other_runs_and_the_users_home_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "store" / "runs" / "run-other").mkdir(parents=True)
    (tmp_path / "store" / "runs" / "run-other" / "run.json").write_text("{}")
    (tmp_path / "work" / "run-other" / "work").mkdir(parents=True)
    (tmp_path / "work" / "run-other" / "work" / "file").write_text("of another run")
    paths = [tmp_path / "store", tmp_path / "store/runs/run-other/run.json", tmp_path / "work/run-other/work/file"]
    home = Path.home()
    code = f"""
for path in {[str(p) for p in paths]!r}:
    print(tried(lambda: os.listdir(path) if os.path.isdir(path) else open(path).read()))
print(tried(lambda: os.listdir({str(home)!r})))
print(tried(lambda: open("/etc/written-by-a-harness", "w")))
print(tried(lambda: os.rename("/etc/hostname", "here")))
"""
    assert set(attack(tmp_path, code).splitlines()) <= {"EACCES", "EXDEV"}


def test_it_can_do_what_a_harness_must(tmp_path: Path) -> None:
    code = """
import tempfile, threading, multiprocessing
open(os.path.join(os.environ["HOME"], "a"), "w").write("x")
open("b", "w").write("x")
os.makedirs("d/e"); os.rename("b", "d/e/b"); os.symlink("d", "l"); os.unlink("l")
tempfile.TemporaryFile().write(b"x")
subprocess.run(["sh", "-c", "echo child > c"], check=True)
a, b = socket.socketpair(); a.send(b"x"); b.recv(1)
open("/dev/null", "w").write("x"); open("/dev/urandom", "rb").read(1); open("/proc/self/status").read()
t = threading.Thread(target=lambda: None); t.start(); t.join()
s = socket.socket(); s.bind(("127.0.0.1", 0))
print("all")
"""
    assert attack(tmp_path, code) == "all"


def test_no_capability_is_left_even_to_root(tmp_path: Path) -> None:
    code = "print([l.split()[1] for l in open('/proc/self/status') if l.startswith(('CapPrm', 'CapEff', 'CapBnd', 'NoNewPrivs'))])"
    said = attack(tmp_path, code)
    assert said.startswith("['0000000000000000', '0000000000000000', '0000000000000000'") or "'1']" in said


def test_the_probe_says_what_it_saw(tmp_path: Path) -> None:
    (tmp_path / "forbidden").write_text("x")
    seen = asyncio.run(probe_sandbox(RULES, forbidden=[str(tmp_path / "forbidden")]))
    assert str(seen) == "enforced by landlock+seccomp"


def test_a_fence_that_lets_something_through_is_advisory_and_says_what(tmp_path: Path) -> None:
    (tmp_path / "forbidden").write_text("x")
    open_rules = landlock.Rules(read=("/",), write=("/dev/null",), ports=(1,))
    seen = asyncio.run(probe_sandbox(open_rules, forbidden=[str(tmp_path / "forbidden")]))
    assert seen.files == "advisory: escaped: file (done), watch (done)"
    assert str(seen).startswith(f"{seen.files}; network enforced by")


OPEN = {**SEEN, "connect": "ECONNREFUSED", "address": "ECONNREFUSED"}
ALL_NETWORK = "connect (None), address (None), listen (None), datagram (None), multipath (None), fast_open (None)"
UNPROTECTED = {"mode": "done", "times": "done", "watch": "done", "address": "ECONNREFUSED"}


@pytest.mark.parametrize(
    ("seen", "abi", "supervised", "text"),
    [
        (SEEN, 7, True, "enforced by landlock+seccomp"),
        (SEEN, 2, True, "enforced by landlock+seccomp notification"),
        (SEEN, 4, True, "enforced by landlock+seccomp notification"),
        ({**SEEN, **UNPROTECTED}, 7, False, "enforced by landlock+seccomp, by port only"),
        (
            {**SEEN, "mode": "done"},
            7,
            True,
            "advisory: escaped: mode (done); network enforced by landlock+seccomp; processes enforced by landlock",
        ),
        (
            {**SEEN, "file": "done"},
            0,
            True,
            "advisory: kernel has no Landlock; network and processes enforced by seccomp notification",
        ),
        (
            OPEN,
            3,
            False,
            "advisory: kernel has no Landlock network rules; files enforced by landlock; "
            "processes enforced by seccomp notification",
        ),
        ({**OPEN, "signal": "done", "file": "done"}, 0, False, "advisory: kernel has no Landlock"),
        (
            {**SEEN, "connect": "ECONNREFUSED"},
            7,
            True,
            "advisory: escaped: connect (ECONNREFUSED); files and processes enforced by landlock",
        ),
        (
            {**SEEN, "signal": "done"},
            5,
            False,
            "advisory: kernel has no Landlock scopes; files enforced by landlock; network enforced by landlock+seccomp",
        ),
        ({}, 7, True, f"advisory: escaped: {ALL_NETWORK}"),
    ],
)
def test_only_what_was_seen_is_recorded_as_enforced(
    seen: dict[str, str], abi: int, supervised: bool, text: str
) -> None:
    assert str(interpret(seen, Mechanisms(landlock=abi, supervised=supervised))) == text


def test_hidden_paths_are_left_out_of_readable_folders(tmp_path: Path) -> None:
    opt = tmp_path / "opt"
    for name in ("agent/secrets/key", "agent/unmoor.yaml", "agent/bin/tool", "other/file"):
        (opt / name).parent.mkdir(parents=True, exist_ok=True)
        (opt / name).write_text("x")
    (opt / "agent" / "link").symlink_to("/root")
    hidden = frozenset({opt / "agent" / "secrets", opt / "agent" / "unmoor.yaml", tmp_path / "elsewhere"})
    assert set(leave_out([opt, tmp_path / "plain"], hidden)) == {
        opt / "agent" / "bin",
        opt / "other",
        tmp_path / "plain",
    }
    assert list(leave_out([opt], frozenset({opt}))) == []


def test_a_hidden_path_cannot_be_read_though_its_folder_can(tmp_path: Path) -> None:
    for name in ("key", "tool"):
        (tmp_path / name).write_text(f"the {name}")
    of = RunDirectories(root=tmp_path / "run", own=tmp_path / "own")
    rules = sandbox_rules(of, 1, in_image=False, alone=False, programs=[tmp_path], hidden=[tmp_path / "key"])
    read = (*rules.read, sys.base_prefix)
    command = [sys.executable, "-I", "-S", "-c", "import sys; print(open(sys.argv[1]).read())"]

    def read_confined(name: str) -> subprocess.CompletedProcess[str]:
        with prepare_sandbox(landlock.Rules(read=read, write=(), ports=())) as sandbox:
            run = [*command, str(tmp_path / name)]
            return subprocess.run(run, preexec_fn=sandbox.apply, capture_output=True, text=True)

    assert read_confined("tool").stdout == "the tool\n"
    key = read_confined("key")
    assert (key.stdout, "PermissionError" in key.stderr) == ("", True)


def test_terminals_are_for_runs_that_are_alone_in_their_container() -> None:
    of = RunDirectories(root=Path("/work/r"), own=Path("/work/own"))
    for in_image, alone in ((True, True), (True, False), (False, True)):
        rules = sandbox_rules(of, 1, in_image=in_image, alone=alone)
        assert ("/dev/pts" in rules.write) == ("/dev/ptmx" in rules.write) == (in_image and alone)


def test_sockets_of_the_file_system_can_be_made_where_a_container_holds_one_run_alone() -> None:
    of = RunDirectories(root=Path("/work/r"), own=Path("/work/own"))
    assert sandbox_rules(of, 1, in_image=True, alone=True).local_sockets
    assert not sandbox_rules(of, 1, in_image=True, alone=False).local_sockets
    assert not sandbox_rules(of, 1, in_image=False, alone=True).local_sockets


def test_the_filter_lets_local_sockets_through_where_they_are_wanted() -> None:
    of = MACHINES["x86_64"]
    codes = {
        instructions(of, FilterOptions(local_sockets=local, supervised=True, landlock=7)) for local in (True, False)
    }
    assert len(codes) == 2


def test_a_port_of_a_rule_can_be_reached(tmp_path: Path, listening: int) -> None:
    from unmoor.runtime.harness.protocol import Command
    from unmoor.runtime.run.harness_process import run_confined
    from unmoor.runtime.run.stop import Stop

    async def reach() -> int | None:
        rules = landlock.Rules(read=RULES.read, write=RULES.write, ports=(listening,))
        command = Command(argv=("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{listening}"), environment={}, stdin=b"")
        ended = await run_confined(
            command,
            rules=rules,
            path="/usr/bin:/bin",
            work="/usr",
            timeout_s=10,
            stop=Stop(),
            on_line=lambda line: None,
        )
        return ended.exit.code

    assert asyncio.run(reach()) == 0
