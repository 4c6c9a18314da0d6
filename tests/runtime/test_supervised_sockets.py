"""Sockets that the supervisor connects behave as a program expects: modes, errors, signals, ends, Unix sockets."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from confined import confined, servers

from unmoor.runtime.sandbox import landlock

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(landlock.version() < 2, reason="this kernel's Landlock cannot play version 2"),
]
ABI = 2


def test_a_socket_that_does_not_block_connects_and_reports_its_result() -> None:
    with servers() as at:
        code = f"""
import asyncio, select
async def talk():
    reader, writer = await asyncio.open_connection("127.0.0.1", {at.allowed})
    return (await reader.read()).decode()
print(asyncio.run(talk()))
s = socket.socket(); s.setblocking(False)
poll = select.epoll(); poll.register(s, select.EPOLLOUT)
print(s.connect_ex(("127.0.0.1", {at.allowed})) in (0, errno.EINPROGRESS), bool(poll.poll(5)))
again = s.connect_ex(("127.0.0.1", {at.allowed}))  # the kernel's own answer is 0 at first, and then EISCONN
print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), again in (0, errno.EISCONN))
"""
        assert confined(code, abi=ABI, port=at.allowed).splitlines() == ["allowed", "True True", "0 True"]


def test_errors_are_the_kernels_own() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        code = f"""
s, pair = socket.socket(), socket.socketpair()
print(tried(lambda: s.connect(("127.0.0.1", {port}))), tried(lambda: s.connect(("127.0.0.1", {port}))))
def connect(number, address, length=None):
    result = LIBC.connect(number, address, len(address) if length is None else length)
    return result and errno.errorcode[ctypes.get_errno()]
good = struct.pack("=H", 2) + struct.pack(">H", {port}) + socket.inet_aton("127.0.0.1") + bytes(8)
print(connect(999, good), connect(-1, good), connect(os.open("/dev/null", 0), good), connect(s.fileno(), good[:8]))
print(connect(s.fileno(), b"\\x0a\\0" + good[2:]), connect(s.fileno(), good, 4096), connect(s.fileno(), None, 16))
print(connect(s.fileno(), bytes(16)), connect(pair[0].fileno(), good))
six = socket.socket(socket.AF_INET6)
print(connect(six.fileno(), good))
resource.setrlimit(resource.RLIMIT_NOFILE, (s.fileno() + 1, 4096))
os.closerange(s.fileno() + 1, 50)
print(tried(socket.socket))
"""
        lines = confined(code, abi=ABI, port=port).splitlines()
    assert lines == [
        "ECONNREFUSED ECONNREFUSED",
        "EBADF EBADF ENOTSOCK EINVAL",
        "EAFNOSUPPORT EINVAL EFAULT",
        "EINVAL EISCONN",
        "EAFNOSUPPORT",
        "EMFILE",
    ]


def test_a_connection_ends_when_the_harness_closes_it() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        ends: list[float] = []

        def wait_for_end() -> None:
            for _ in range(2):
                connection, _ = listening.accept()
                began = time.monotonic()
                assert connection.recv(1) == b""
                ends.append(time.monotonic() - began)
                connection.close()

        thread = threading.Thread(target=wait_for_end, daemon=True)
        thread.start()
        code = f"""
import select
for blocks in (True, False):
    s = socket.socket(); s.setblocking(blocks); s.connect_ex(("127.0.0.1", {listening.getsockname()[1]}))
    select.select([], [s], [], 5); s.close()
time.sleep(0.6)
"""
        confined(code, abi=ABI, port=listening.getsockname()[1])
        thread.join(5)
    assert len(ends) == 2
    assert max(ends) < 0.5


def test_a_connect_that_waits_holds_up_no_other_process() -> None:
    """The server's queue is full, so connections wait until somebody takes one from it."""
    with servers() as at, socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        filling = [socket.create_connection(("127.0.0.1", port), 0.2)]
        code = f"""
waiting = socket.socket()
def connect():
    print(tried(lambda: waiting.connect(("127.0.0.1", {port}))), flush=True)
thread = threading.Thread(target=connect); thread.start()
time.sleep(0.1)
print("still waiting", thread.is_alive())
began = time.monotonic()
for _ in range(20):
    socket.socket().close()
print(tried(lambda: socket.socket().connect(("127.0.0.1", {at.forbidden}))), time.monotonic() - began < 0.5, flush=True)
thread.join()
"""

        def accept_later() -> None:
            time.sleep(0.6)
            for _ in range(2):
                full.accept()[0].close()

        threading.Thread(target=accept_later, daemon=True).start()
        lines = confined(code, abi=ABI, port=port).splitlines()
        for one in filling:
            one.close()
    assert lines == ["still waiting True", "EACCES True", "None"]


def test_signals_during_connects_lose_no_socket_and_connect_none_twice() -> None:
    with servers() as at:
        code = f"""
count = 0
def on_signal(*_):
    global count
    count += 1
signal.signal(signal.SIGALRM, on_signal); signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0003)
results = []
for _ in range(300):
    with socket.create_connection(("127.0.0.1", {at.allowed})) as s:
        results.append(s.recv(9))
signal.setitimer(signal.ITIMER_REAL, 0)
print(set(results), count > 50, len(os.listdir("/proc/self/fd")) < 10)
"""
        assert confined(code, abi=ABI, port=at.allowed) == "{b'allowed'} True True"
        assert at.accepted == ["allowed"] * 300


def test_more_sockets_than_are_connected_at_a_time_can_be_made() -> None:
    with servers() as at:
        code = f"""
for _ in range(600):
    socket.socket().close()
kept = []
result = "none"
while result == "none" and len(kept) < 1000:
    result = tried(lambda: kept.append(socket.socket())) or "none"
print(result, len(kept))
kept.clear()
print(socket.create_connection(("127.0.0.1", {at.allowed})).recv(9))
"""
        assert confined(code, abi=ABI, port=at.allowed).splitlines() == ["EMFILE 256", "b'allowed'"]


@pytest.mark.parametrize("abi", [0, 2, 6])
def test_unix_sockets_work_where_they_are_allowed(tmp_path: Path, abi: int) -> None:
    code = """
server = socket.socket(socket.AF_UNIX); server.bind("here"); server.listen()
for path in ("here", os.path.abspath("here")):
    client = socket.socket(socket.AF_UNIX); client.connect(path)
    other, _ = server.accept(); client.sendall(b"x"); print(other.recv(1)); client.close(); print(other.recv(1))
print(tried(lambda: socket.socket(socket.AF_UNIX).connect("absent")))
print(tried(lambda: socket.socket(socket.AF_UNIX).connect("\\0abstract")))
print(tried(lambda: socket.socket(socket.AF_UNIX).connect(("x" * 107))))
one, two = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
one.bind("d"); two.connect("d"); two.send(b"y"); print(one.recv(1))
print(tried(lambda: socket.socket().listen()))
import asyncio
async def serve():
    async def on(reader, writer):
        writer.write(b"hello"); writer.close()
    async with await asyncio.start_unix_server(on, "s"):
        reader, _ = await asyncio.open_unix_connection("s")
        return await reader.read()
print(asyncio.run(serve()))
"""
    lines = confined(code, abi=abi, port=9, work=tmp_path, local_sockets=True).splitlines()
    once = ["b'x'", "b''"]
    assert lines == [*once, *once, "ENOENT", "EACCES", "ENOENT", "b'y'", "EACCES", "b'hello'"]
