"""The gateway: deliveries at a steady rate, kept through a kill; what it adds to a run; events to clients; at rest.

Beside it, where apt-get can bring it: Debian's `webhook`, which answers at once and keeps nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOAD = str(ROOT / "tests" / "bench" / "load.py")
DEV = [sys.executable, "-c", "from unmoor.cli import main; main()", "dev"]
TOKEN, SECRET = "token-of-this-bench", "secret-of-this-bench"
RATE, SECONDS = 200, int(os.environ.get("BENCH_SECONDS", "30"))
RUNS = 7
MANY = 10_000


def main() -> None:
    """Prints one line for each measure: median, spread, the goal."""
    print(f"gateway: {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for measure in (at_rest, deliveries, killed, first_work, first_event, many_runs):
        with contextlib.ExitStack() as held:
            measure(Path(held.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True))))


def deliveries(folder: Path) -> None:
    """Signed webhooks at a steady rate, each answered once its run is safe."""
    with serving(folder, "cat >/dev/null") as gateway:
        own = gateway.loaded()
    told(f"{RATE} deliveries/s for {SECONDS} s, each durable: 99th (goal 25 ms)", own)
    if (program := webhook()) is None:
        print(f"{'the webhook package beside it':<64} not here: no apt-get that brings it")
        return
    with fire_and_forget(folder, program) as url:
        theirs = load(f"{url}/hooks/github")
    told("Debian's webhook, answered before anything is done: 99th", theirs)
    print(f"{'':<64} {share(own['ms'], 99) / share(theirs['ms'], 99):.1f} x webhook")


def killed(folder: Path) -> None:
    """The same, with the gateway killed in the middle and started again at once."""
    with serving(folder, "cat >/dev/null") as gateway:
        running = gateway.load_begins()
        time.sleep(SECONDS / 2)
        gateway.kill()
        with serving(folder, "cat >/dev/null", port=gateway.port) as again:
            result = json.loads(running.communicate()[0])
            missing = [run for run in result["ids"] if not again.has(run)]
    sent = RATE * SECONDS
    title = f"of {sent} deliveries with a kill -9 in the middle: lost"
    print(
        f"{title:<64} {len(missing)} ({result['again']} were sent again, {sent - len(set(result['ids']))} unanswered)"
    )


def first_work(folder: Path) -> None:
    """From the answer to the harness's first byte of work."""
    with serving(folder, "date +%s.%N") as gateway:
        took: list[float] = []
        for _ in range(RUNS + 1):
            run = gateway.start()
            answered = time.time()
            took.append(float(gateway.ended(run)["answer"].split()[0]) - answered)
    bare = statistics.median(_bare() for _ in range(RUNS))
    medians("from 202 to a process's first work (goal 300 ms)", [t - bare for t in took[1:]])
    print(f"{'the own start of that command, not in it':<64} {bare * 1000:.1f} ms")


def first_event(folder: Path) -> None:
    """From a harness's line to the client of the stream."""
    with serving(folder, "for i in $(seq 30); do date +%s.%N; sleep 0.15; done") as gateway:
        run = gateway.start()
        request = gateway.request(f"/runs/{run}/events")
        request.add_header("Accept", "text/event-stream")
        took: list[float] = []
        with urllib.request.urlopen(request, timeout=60) as stream:
            for line in stream:
                if line.startswith(b"data: ") and b'"message"' in line:
                    took.append(time.time() - float(json.loads(line[6:])["text"].split()[0]))
    medians("from a harness's line to the stream's client (goal 100 ms)", took[1:])


def at_rest(folder: Path) -> None:
    """Memory and processor time while nothing happens."""
    with serving(folder, "cat") as gateway:
        time.sleep(2)
        before, began = gateway.cpu_s(), time.monotonic()
        time.sleep(20)
        used = (gateway.cpu_s() - before) / (time.monotonic() - began)
        print(
            f"{'at rest: memory (goal 90 MB), processor (goal 1 %)':<64} {gateway.memory_mb()} MB, {used * 100:.2f} %"
        )


def many_runs(folder: Path) -> None:
    """The first page of a store with many runs."""
    with serving(folder, "cat") as gateway:
        fill(folder / "store", gateway.ended(gateway.start()))
        took: list[float] = []
        for _ in range(RUNS + 1):
            began = time.perf_counter()
            assert len(gateway.ask("/runs")["runs"]) > 1
            took.append(time.perf_counter() - began)
    medians(f"GET /runs of {MANY} (goal 100 ms)", took[1:])


def fill(store: Path, record: dict[str, Any]) -> None:
    """Copies a run's record under many ids."""
    from datetime import UTC, datetime, timedelta

    from unmoor.runtime.state import keys

    kept = json.loads((store / "runs" / record["id"] / "run.json").read_text())
    for number in range(MANY):
        run = keys.run_id(datetime.now(UTC) - timedelta(seconds=number), number)
        (store / "runs" / run / "events").mkdir(parents=True)
        (store / "runs" / run / "run.json").write_text(json.dumps({**kept, "id": run}))
        (store / "runs" / run / "events" / "00000001.ndjson").write_text("")


@dataclass
class Serving:
    """An `unmoor dev` in a process of its own."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def request(self, path: str, body: Any = None) -> urllib.request.Request:
        data = None if body is None else json.dumps(body).encode()
        return urllib.request.Request(self.url + path, data=data, headers={"Authorization": f"Bearer {TOKEN}"})

    def ask(self, path: str, body: Any = None) -> Any:
        with urllib.request.urlopen(self.request(path, body), timeout=30) as answer:
            return json.loads(answer.read())

    def start(self) -> str:
        return self.ask("/runs", {"prompt": "x"})["id"]

    def ended(self, run: str) -> dict[str, Any]:
        while (shown := self.ask(f"/runs/{run}"))["ended_at"] is None:
            time.sleep(0.02)
        return shown

    def has(self, run: str) -> bool:
        return self.ask(f"/runs/{run}")["id"] == run

    def loaded(self) -> dict[str, Any]:
        return load(f"{self.url}/hooks/github")

    def load_begins(self) -> subprocess.Popen[str]:
        return load_begins(f"{self.url}/hooks/github")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def memory_mb(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) // 1024

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving(folder: Path, command: str, *, port: int = 0) -> Iterator[Serving]:
    (folder / "hook-secret").write_text(SECRET)
    (folder / "unmoor.yaml").write_text(json.dumps(spec(command)))
    argv = [*DEV, str(folder / "unmoor.yaml"), "--port", str(port)]
    # As a user has it: the first run leaves its byte code.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {
        "HOME": str(folder),
        "UNMOOR_TOKEN": TOKEN,
    }
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [*argv, "--store", (folder / "store").as_uri()], stdout=subprocess.PIPE, stderr=log, text=True, env=env
        )
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("ready "), (folder / "log").read_text()[-2000:]
    try:
        yield Serving(process, said.split()[1])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def spec(command: str) -> dict[str, Any]:
    verify = {"scheme": "github", "secret": "hook"}
    return {
        "version": 1,
        "name": "bench",
        "harness": {"name": "command", "command": ["sh", "-c", command]},
        "triggers": [{"name": "github", "webhook": {"verify": verify}, "prompt": "{{ event.text }}"}],
        "run": {"isolation": "process", "max_concurrent": 1},
        "secrets": {"hook": {"file": "hook-secret"}},
    }


def load(url: str) -> dict[str, Any]:
    return json.loads(load_begins(url).communicate()[0])


def load_begins(url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, LOAD, url, str(RATE), str(SECONDS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"headers": {}, "body": {"text": "x" * 2000}, "secret": SECRET}))
    process.stdin.close()
    process.stdin = None
    return process


def webhook() -> Path | None:
    """Debian's `webhook`, unpacked out of its package and not installed; None where it cannot be had."""
    if (found := shutil.which("webhook")) is not None:
        return Path(found)
    place = ROOT / ".cache" / "webhook"
    program = place / "usr" / "bin" / "webhook"
    if not program.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "webhook"], cwd=place, capture_output=True, check=False)
        for package in place.glob("webhook_*.deb"):
            subprocess.run(["dpkg", "-x", package, place], check=False)
    return program if program.exists() else None


@contextlib.contextmanager
def fire_and_forget(folder: Path, program: Path) -> Iterator[str]:
    signature = {"type": "payload-hmac-sha256", "secret": SECRET}
    rule = {"match": {**signature, "parameter": {"source": "header", "name": "X-Hub-Signature-256"}}}
    hook = {"id": "github", "execute-command": shutil.which("true"), "trigger-rule": rule}
    (folder / "hooks.json").write_text(json.dumps([hook]))
    port = 19000 + os.getpid() % 1000
    argv = [str(program), "-hooks", str(folder / "hooks.json"), "-ip", "127.0.0.1", "-port", str(port)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def _bare() -> float:
    began = time.time()
    said = subprocess.run(["sh", "-c", "date +%s.%N"], capture_output=True, text=True, check=True).stdout
    return float(said) - began


def share(values: list[float], part: int) -> float:
    return sorted(values)[min(len(values) * part // 100, len(values) - 1)]


def told(title: str, result: dict[str, Any]) -> None:
    took = result["ms"]
    assert not result["refused"], result["refused"][:5]
    print(f"{title:<64} {share(took, 99):.1f} ms [median {share(took, 50):.1f}, most {max(took):.1f}]")


def medians(title: str, took: list[float]) -> None:
    spread = f"[{min(took) * 1000:.0f} to {max(took) * 1000:.0f}]"
    print(f"{title:<64} {statistics.median(took) * 1000:.0f} ms {spread}")


if __name__ == "__main__":
    main()
