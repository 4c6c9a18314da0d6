"""No secret's value is in plain in what the engine keeps, says, or starts its children with."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from deploys import TARGETS, deploy
from real_engine import PASSPHRASE, Engine

CHECKPOINTS = True

EXAMPLE = "06-everything"


@contextmanager
def watched(said: list[str]) -> Iterator[None]:
    """Inside of the block, the command line of each process below this one is kept."""
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            said.extend(_command_lines(os.getpid()))
            over.wait(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _command_lines(pid: int) -> Iterator[str]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text().split():
                yield Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield from _command_lines(int(child))
        except OSError:
            continue  # it ended meanwhile


@pytest.mark.parametrize("target", TARGETS)
def test_planted_values_are_nowhere_in_plain(engine: Engine, target: str, capfd: pytest.CaptureFixture[str]) -> None:
    deployed = deploy(engine, EXAMPLE, target, environment="utc" if target == "azure-container-apps" else None)
    lines: list[str] = []
    with watched(lines):
        deployed.preview(debug=True)
        deployed.up(debug=True)
        deployed.up(refresh=True)
    asked = {str(v) for t in engine.cloud.things() for v in (t.inputs, t.outputs)}
    assert "planted-value-of-" in str(asked)  # the cloud was given them
    said = {
        "the backend": engine.kept(),
        "the events": str(engine.events),
        "the output": "".join(capfd.readouterr()),
        "a command line": "\n".join(lines),
        "the home folder": _texts(engine.folder / "home"),
    }
    assert len(lines) > 10
    secrets = ["planted-value-of-", PASSPHRASE, *_drawn(engine)]
    assert [(where, secret) for where, text in said.items() for secret in secrets if secret in text] == []


def _drawn(engine: Engine) -> list[str]:
    """The passwords that the cloud drew."""
    return [str(t.outputs["result"]) for t in engine.cloud.things() if t.type.endswith("RandomPassword")]


def _texts(folder: Path) -> str:
    return "\n".join(p.read_bytes().decode(errors="replace") for p in folder.rglob("*") if p.is_file())
