"""`unmoor preview` beside a bare preview of the same program by Pulumi's Automation API, each in fresh processes.

Both have the same engine, backend and providers: the tests' cloud in memory. Plain `pulumi preview` is the bare one with
Pulumi's language host in the place of the script.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "engine"))

from real_engine import cli, running  # noqa: E402  # pyright: ignore[reportMissingImports]

TARGET = "aws-ecs"
RUNS = 7
SECRETS = ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "HOOK_SECRET", "UNMOOR_API_TOKEN")
BARE = """
import sys
from functools import partial
from pathlib import Path
from pulumi import automation
from unmoor.spec.load import load
from unmoor.target.choose import select_target
from unmoor.stacks.config import secret_value
from unmoor.program.program import program

def inline():
    chosen = select_target(load(Path(sys.argv[1])), sys.argv[2]).require_accepted()
    value = partial(secret_value, folder=Path(sys.argv[1]))
    program(chosen.target, chosen.loaded.plan, chosen.settings, secret_value=value)

stack = automation.create_or_select_stack(stack_name=sys.argv[3], project_name="everything", program=inline)
print(stack.preview().change_summary)
"""


def main() -> None:
    """Prints both medians, of the clock and of the processors, and how many times the one the other is."""
    if cli() is None:
        print("no engine to preview with: `make engine` builds one, with Go")
        return
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)):
        spec = _example(Path(folder))
        os.environ.update(dict.fromkeys(SECRETS, "a-value-of-no-worth"))
        unmoor = [str(Path(sys.executable).parent / "unmoor"), "preview", str(spec), "-t", TARGET]
        bare = [sys.executable, "-c", BARE, str(spec), TARGET, f"default.{TARGET}"]
        ours, theirs = _side_by_side(unmoor, bare)
    for title, of in (("clock", "seconds"), ("processors", "busy")):
        one, other = ([getattr(t, of) for t in times] for times in (ours, theirs))
        print(f"{f'unmoor preview 06-everything, {title}':<48} {_told(one)}")
        print(f"{f'the same program previewed barely, {title}':<48} {_told(other)}")
        print(f"{'how many times that (goal 1.3)':<48} {statistics.median(one) / statistics.median(other):.2f}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """How long a command took, and how long processors were busy with it and all that it started."""

    seconds: float
    busy: float


def _example(folder: Path) -> Path:
    """The example with a value for every secret."""
    spec = folder / "everything"
    shutil.copytree(ROOT / "examples" / "06-everything", spec)
    (spec / "billing.secret").write_text("a-value-of-no-worth")
    text = (spec / "unmoor.yaml").read_text()
    (spec / "unmoor.yaml").write_text(text.replace("{config: githubWebhookSecret}", "{env: HOOK_SECRET}"))
    return spec


def _side_by_side(*commands: list[str]) -> list[list[Took]]:
    """How long each took, one after the other, so that whatever else the machine does befalls both; the first is warming."""
    took = [[_once(command) for command in commands] for _ in range(RUNS + 1)][1:]
    return [list(times) for times in zip(*took, strict=True)]


def _once(command: list[str]) -> Took:
    start, before = time.perf_counter(), os.times()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])}: {done.stdout}{done.stderr}")
    after = os.times()
    busy = after.children_user - before.children_user + after.children_system - before.children_system
    return Took(seconds=time.perf_counter() - start, busy=busy)


def _told(times: list[float]) -> str:
    return f"{statistics.median(times) * 1000:.0f} ms [{min(times) * 1000:.0f} to {max(times) * 1000:.0f}]"


if __name__ == "__main__":
    main()
