"""The runtime's own share of a run: from its start to the harness's, the fence, a session's workspace, memory."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from unmoor.runtime.run.session_archive import pack, unpack
from unmoor.runtime.sandbox.confine import Mechanisms, prepare_sandbox
from unmoor.runtime.sandbox.landlock import Rules
from unmoor.runtime.subprocesses import run_command

RUNS = 7
WORKSPACE_MB = 1000
# Part of it compresses and part of it does not, as in a repository with its packed history and its sources.
BLOCK = 1024 * 1024
RULES = Rules(read=("/usr", "/bin", "/lib", "/lib64", "/etc", "/proc"), write=("/dev/null",), ports=(8790,))

# A whole agent container's `run`, as a platform starts it: a store in a folder, a bundle, a queued run.
PREPARE = """
import asyncio, hashlib, sys
from datetime import UTC, datetime
from pathlib import Path
from unmoor.plan.bundle import pack
from unmoor.spec.load import load
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import RunRecord, create_run_record
from unmoor.runtime.store import open_store
folder, runs = Path(sys.argv[1]), int(sys.argv[2])
plan = load(folder / "unmoor.yaml").plan
archive = pack(plan)
digest = hashlib.sha256(archive).hexdigest()
store = open_store((folder / "store").as_uri())
async def main():
    await store.put(keys.bundle_key(digest), archive)
    print(digest)
    for _ in range(runs):
        now = datetime.now(UTC)
        run = keys.run_id(now)
        await create_run_record(store, RunRecord(
            id=run, agent=plan.agent, environment="bench", bundle=digest, status="queued", trigger="api", kind="api",
            prompt="x", session="", harness="command", harness_version="none", provider="", model="", created_at=now))
        print(run)
asyncio.run(main())
"""
# Accepts and closes connections, in a process of its own.
ACCEPT = """
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(128)
print(s.getsockname()[1], flush=True)
while True: s.accept()[0].close()
"""
CONNECTS = 500
CONNECT = """
import socket, sys, time
took = []
for _ in range(int(sys.argv[2])):
    began = time.perf_counter()
    s = socket.socket(); s.connect(("127.0.0.1", int(sys.argv[1])))
    took.append(time.perf_counter() - began)
    s.close()
print(sorted(took)[len(took) // 2])
"""
SPEC = {
    "version": 1,
    "name": "bench",
    "harness": {"name": "command", "command": ["sh", "-c", "date +%s.%N; grep VmHWM /proc/self/status >/dev/null"]},
}


def main() -> None:
    """Prints one line for each measure: median, spread, the goal."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        run_to_exec(folder)
        fence()
        connects()
        workspace(folder)
    finally:
        shutil.rmtree(folder)


def run_to_exec(folder: Path) -> None:
    """From `unmoor-agent run` to the harness's first instruction, beside the same command bare."""
    (folder / "unmoor.yaml").write_text(json.dumps(SPEC))
    prepared = subprocess.run(
        [sys.executable, "-c", PREPARE, str(folder), str(RUNS + 1)], check=True, capture_output=True, text=True
    ).stdout.split()
    bundle, runs = prepared[0], prepared[1:]
    took, memory = [], []
    for run in runs:
        began, peak = time.time(), _run(folder, bundle, run)
        took.append(_answer(folder, run) - began)
        memory.append(peak)
    bare = [_bare() for _ in range(RUNS)]
    shown("unmoor-agent run to the harness's exec (goal 300 ms)", took[1:], "ms", 1000)
    shown("  of which python -c pass", [_python() for _ in range(RUNS)], "ms", 1000)
    shown("  the same command bare", bare, "ms", 1000)
    shown("  peak memory of the runner (goal 80 MB)", memory[1:], "MB", 1)


def fence() -> None:
    """A program started inside the fence and outside it."""
    inside = asyncio.run(_starts(confined=True))
    outside = asyncio.run(_starts(confined=False))
    shown("a program inside the fence", inside, "ms", 1000)
    shown("  and outside it", outside, "ms", 1000)
    added = statistics.median(inside) - statistics.median(outside)
    print(f"{'  the fence adds (goal 10 ms)':<56} {added * 1000:.1f} ms")


def connects() -> None:
    """A socket created and connected, with and without the supervisor."""
    with subprocess.Popen([sys.executable, "-c", ACCEPT], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            inside = [asyncio.run(_connect(port, supervised=True)) for _ in range(RUNS)]
            outside = [asyncio.run(_connect(port, supervised=False)) for _ in range(RUNS)]
        finally:
            server.kill()
    shown("a socket connected by the supervisor", inside, "ms", 1000)
    shown("  and by the harness itself", outside, "ms", 1000)
    added = statistics.median(inside) - statistics.median(outside)
    print(f"{'  the supervisor adds (goal 0.2 ms)':<56} {added * 1000:.3f} ms")


def workspace(folder: Path) -> None:
    """A workspace packed and unpacked again, in MB of its content a second."""
    root = folder / "root"
    (root / "work").mkdir(parents=True)
    for number in range(WORKSPACE_MB // 10):
        text = b"".join(b"line %d of file %d\n" % (i, number) for i in range(BLOCK // 20))[: 5 * BLOCK] * 8
        (root / "work" / f"text-{number}").write_bytes(text[: 5 * BLOCK])
        (root / "work" / f"data-{number}").write_bytes(secrets.token_bytes(5 * BLOCK))
    archive = folder / "state.tar.zst"
    saving = _timed(lambda: pack(root, ["work"], archive))
    restoring = _timed(lambda: unpack(archive, folder / "again"))
    size = archive.stat().st_size / BLOCK
    print(f"{'a workspace of 1 GB saved (goal 150 MB/s)':<56} {WORKSPACE_MB / saving:.0f} MB/s, {size:.0f} MB packed")
    print(f"{'  and restored (goal 150 MB/s)':<56} {WORKSPACE_MB / restoring:.0f} MB/s")


def shown(title: str, values: list[float], unit: str, times: int) -> None:
    """A measure's median and spread."""
    scaled = [v * times for v in values]
    print(f"{title:<56} {statistics.median(scaled):.1f} {unit} [{min(scaled):.1f} to {max(scaled):.1f}]")


def _run(folder: Path, bundle: str, run: str) -> float:
    """Runs the container's command; its peak memory in MB."""
    environment = {
        "PATH": os.environ["PATH"],
        "UNMOOR_STORE": (folder / "store").as_uri(),
        "UNMOOR_BUNDLE": bundle,
        "UNMOOR_WORK": str(folder / "work"),
        "UNMOOR_GUARD_URL": "http://127.0.0.1:1",
    }
    command = [sys.executable, "-m", "unmoor.runtime", "run", run]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss / 1024


def _answer(folder: Path, run: str) -> float:
    return float(json.loads((folder / "store" / "runs" / run / "run.json").read_text())["answer"])


def _bare() -> float:
    began = time.time()
    said = subprocess.run(SPEC["harness"]["command"], check=False, capture_output=True, text=True).stdout  # type: ignore[index]
    return float(said.strip()) - began


def _python() -> float:
    return _timed(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))


async def _starts(*, confined: bool) -> list[float]:
    return [await _start(confined) for _ in range(4 * RUNS)]


async def _start(confined: bool) -> float:
    began = time.perf_counter()
    with prepare_sandbox(RULES) if confined else nullcontext() as laid:
        process = await asyncio.create_subprocess_exec("/bin/true", cwd="/usr", preexec_fn=laid and laid.apply)
        while process.returncode is None:
            await asyncio.sleep(0.0005)
    return time.perf_counter() - began


async def _connect(port: int, *, supervised: bool) -> float:
    """The median of many connections of one process in the sandbox."""
    rules = Rules(read=(*RULES.read, sys.base_prefix), write=RULES.write, ports=(port,))
    with prepare_sandbox(rules, Mechanisms(supervised=supervised)) as laid:
        command = (sys.executable, "-I", "-S", "-c", CONNECT, str(port), str(CONNECTS))
        done = await run_command(*command, env={}, timeout_s=60, preexec_fn=laid.apply)
    return float(done.stdout)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
