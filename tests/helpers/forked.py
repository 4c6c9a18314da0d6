"""`unmoor` and `unmoor-agent` as processes that are forked from one that has imported everything already.

Starting Python and importing the SDKs takes a second or two, and the tests run hundreds of commands. A command line that
begins with UNMOOR starts a client of a few lines, which hands its arguments, environment, folder and standard
streams to a server of this pytest worker. The server forks, and the fork runs the program. The client forwards signals to
the fork and exits as the fork does; the fork is killed when the client is.

Two things differ from a new process: all modules are imported, and /proc/PID/environ is the server's. A test about
imports, encodings or what other processes can read starts Python itself.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import marshal
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

CLIENT = Path(__file__).with_name("fork_client.py")
ROOT = Path(__file__).resolve().parents[2]
NAME = f"unmoor-tests-{os.getpid()}"
# The first words of the two programs' command lines.
UNMOOR = [sys.executable, "-ISE", str(CLIENT), NAME, "unmoor"]
AGENT = [sys.executable, "-ISE", str(CLIENT), NAME, "agent"]


def is_used_by(module: object) -> bool:
    """Whether a test module, or a helper that it imports from, runs one of the programs."""
    helpers = {getattr(value, "__module__", None) for value in vars(module).values()}
    modules = [module, *(sys.modules[name] for name in helpers if name in sys.modules)]
    return any(value is UNMOOR or value is AGENT for each in modules for value in vars(each).values())


def start_server() -> None:
    """Start the server of this process, which ends with it; clients wait until it is ready."""
    server = subprocess.Popen([sys.executable, __file__, NAME], stdin=subprocess.PIPE, start_new_session=True)
    atexit.register(server.communicate)


class Server:
    """Forks for each client until standard input ends."""

    def __init__(self, name: str) -> None:
        self.selector = selectors.DefaultSelector()
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(f"\0{name}")
        self.listening.listen(64)
        self.selector.register(0, selectors.EVENT_READ, self.end)
        self.selector.register(self.listening, selectors.EVENT_READ, self.accept)

    def run(self) -> None:
        while True:
            for key, _ in self.selector.select():
                if self.selector.get_map().get(key.fd) is key:  # an earlier one may have closed it
                    key.data()

    def end(self) -> None:
        os._exit(0)

    def accept(self) -> None:
        client, _ = self.listening.accept()
        message, streams, _, _ = socket.recv_fds(client, 1 << 20, 3)
        if not message:
            return client.close()
        pid = os.fork()
        if pid == 0:
            run_program(*marshal.loads(message), streams)
        for stream in streams:
            os.close(stream)
        client.send(b"%d" % pid)
        fork = os.pidfd_open(pid)
        self.selector.register(fork, selectors.EVENT_READ, functools.partial(self.reap, pid, fork, client))
        self.selector.register(client, selectors.EVENT_READ, functools.partial(os.kill, pid, signal.SIGKILL))

    def reap(self, pid: int, fork: int, client: socket.socket) -> None:
        _, status = os.waitpid(pid, 0)
        self.selector.unregister(fork)
        self.selector.unregister(client)
        os.close(fork)
        with contextlib.suppress(OSError):
            client.send(b"%d" % status)
        client.close()


def run_program(
    program: str, arguments: list[str], environment: dict[str, str], folder: str, streams: list[int]
) -> None:
    """Become the program, and exit."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False, errors="backslashreplace", buffering=1)
    sys.path[0:1] = [folder, *environment.get("PYTHONPATH", "").split(os.pathsep)]
    importlib.invalidate_caches()
    code = exit_code(program, arguments)
    threading._shutdown()  # type: ignore[attr-defined]
    sys.stdout.flush()
    os._exit(code)


def exit_code(program: str, arguments: list[str]) -> int:
    try:
        sys.argv = ["-c" if program == "unmoor" else "unmoor.runtime", *arguments]
        if program == "unmoor":
            from unmoor.cli import main

            main()
        else:
            runpy.run_module("unmoor.runtime", run_name="__main__", alter_sys=True)
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
            return 1
        return error.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def modules(package: str) -> Iterator[str]:
    found = importlib.import_module(package)
    yield from (m.name for m in pkgutil.walk_packages(found.__path__, f"{package}.") if "__main__" not in m.name)


def import_everything() -> None:
    """Import the product and what its targets take of their SDKs, and forget what was remembered meanwhile."""
    for package in ("unmoor.cli", "unmoor.runtime.run", "unmoor.runtime.gateway", "unmoor.operate", "unmoor.cost"):
        for module in modules(package):
            importlib.import_module(module)
    from unmoor.recording.compile import compile_graph
    from unmoor.spec.load import load
    from unmoor.target.choose import select_target
    from unmoor.target.registry import names

    for target in names():
        compile_graph(select_target(load(ROOT / "examples" / "02-issue-triage", None), target))
    for one in gc.get_objects():
        if isinstance(one, functools._lru_cache_wrapper) and one.__module__.startswith("unmoor."):
            one.cache_clear()
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    import_everything()
    assert threading.active_count() == 1
    Server(sys.argv[1]).run()
