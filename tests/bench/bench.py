"""Speed and memory as medians over repeated runs in fresh processes; compared with what each costs at least."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNMOOR = str(Path(sys.executable).parent / "unmoor")
EVERYTHING = str(ROOT / "examples" / "06-everything")
RUNS = 7


def main() -> None:
    """Prints one line for each measure: median, spread, the goal."""
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, median of {RUNS} runs [least to most]")
    python = measure("python -c pass", [sys.executable, "-c", "pass"])
    sdk = measure(
        "import pulumi, pulumi_aws", [sys.executable, "-c", "import pulumi_aws as a; a.ecs.Service, a.ec2.Vpc"]
    )
    compared("unmoor --help (goal 150 ms)", [UNMOOR, "--help"], python, "python")
    compared("unmoor check 06-everything (goal 250 ms)", [UNMOOR, "check", EVERYTHING], python, "python")
    for target in ("aws-ecs", "azure-container-apps", "gcp-cloud-run", "vm-docker"):
        command = [UNMOOR, "graph", EVERYTHING, "-e", "utc", "-t", target, "--json"]
        compared(f"unmoor graph, {target} (goal 1.0 s)", command, sdk, "the import")
    compared("unmoor compare, four targets (goal 3 s)", [UNMOOR, "compare", EVERYTHING, "-e", "utc"], sdk, "the import")
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{'peak memory of one process (goal 250 MB)':<48} {most} MB")


def compared(title: str, command: list[str], base: float, name: str) -> None:
    """Measures a command and says how many times `base` it took."""
    print(f"{'':<48} {measure(title, command) / base:.1f} x {name}")


def measure(title: str, command: list[str]) -> float:
    """The median of RUNS runs, in seconds; the first, which fills caches, is not counted."""
    took = [_once(command) for _ in range(RUNS + 1)][1:]
    median = statistics.median(took)
    print(f"{title:<48} {median * 1000:.0f} ms [{min(took) * 1000:.0f} to {max(took) * 1000:.0f}]")
    return median


def _once(command: list[str]) -> float:
    # As a user has it: the first run leaves its byte code.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
