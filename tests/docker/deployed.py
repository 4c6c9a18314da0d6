"""An agent that `unmoor up` has deployed onto a machine's Docker, and what a user sees of it.

Pulumi's docker provider is the real one where there is one on PATH, and else the tests' own.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from command import docker

sys.path.append(str(Path(__file__).parents[1] / "engine"))

from real_engine import WITHOUT, cli

UNMOOR = [sys.executable, "-c", "from unmoor.cli import main; main()"]
PROVIDER = Path(__file__).parent / "played" / "main.py"
ENDED = ("succeeded", "failed", "timed_out", "cancelled", "over_budget", "lost")


def engine_folder() -> Path:
    """The folder with Pulumi's command line."""
    found = cli()
    if found is None:
        pytest.skip(WITHOUT)
    return found.parent


def plugins(folder: Path) -> Path:
    """A folder with the providers as an engine finds them; without Pulumi's own docker where that is on PATH."""
    folder.mkdir(exist_ok=True)
    names = [n for n in ("docker", "random") if shutil.which(f"pulumi-resource-{n}") is None]
    for name in names:
        script = folder / f"pulumi-resource-{name}"
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {PROVIDER} {name} "$@"\n')
        script.chmod(0o755)
    return folder


@dataclass(kw_only=True)
class Said:
    """What a command said, and how long it took."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def all(self) -> str:
        return self.out + self.err

    @property
    def remade(self) -> set[str]:
        """The replaced resources, by the end of their names."""
        return set(re.findall(r"replaced \w+ \S+?-([a-z0-9-]+) \(", self.all))


@dataclass(kw_only=True)
class Deployed:
    """A spec in a folder of its own, with a home, a state and providers; `docker` talks to the machine it runs on."""

    home: Path
    spec: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict)
    docker: Callable[..., subprocess.CompletedProcess[str]] = docker
    reach: str = ""

    def __post_init__(self) -> None:
        self.path = os.pathsep.join([str(plugins(self.home / "plugins")), str(engine_folder()), os.environ["PATH"]])
        self.write()

    @property
    def name(self) -> str:
        return self.spec["name"]

    def write(self) -> None:
        """Puts the spec down as it is now."""
        (self.home / "unmoor.yaml").write_text(json.dumps(self.spec))

    def unmoor(self, *arguments: str, check: bool = True) -> Said:
        """Runs the command on the spec."""
        first, *more = arguments
        kept = {"HOME": str(self.home), "PATH": self.path, "PULUMI_HOME": str(self.home / "pulumi")}
        began = time.monotonic()
        done = subprocess.run(
            [*UNMOOR, first, str(self.home), *more],
            env={**kept, "PULUMI_SKIP_UPDATE_CHECK": "true", **self.secrets},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
            cwd=self.home,
        )
        said = Said(code=done.returncode, out=done.stdout, err=done.stderr, seconds=time.monotonic() - began)
        assert not check or said.code == 0, said.all
        return said

    def up(self, *, verified: bool = False, **parts: Any) -> Said:
        """Deploys it, with these parts of the spec changed."""
        self.spec.update(parts)
        self.write()
        return self.unmoor("up", "--yes", *([] if verified else ["--no-verify"]))

    def outputs(self) -> dict[str, str]:
        return json.loads(self.unmoor("outputs", "--json", "--show-token").out)

    @contextlib.contextmanager
    def asked(self) -> Iterator[Asked]:
        """What asks its gateway."""
        outputs = self.outputs()
        yield Asked(url=self.reach or outputs["url"], token=outputs["token"])

    def containers(self, role: str) -> list[str]:
        """The names of this agent's containers of a role."""
        filters = [f"label=agent={self.name}", f"label=unmoor.role={role}"]
        given = [part for f in filters for part in ("--filter", f)]
        return sorted(self.docker("ps", "--all", "--format", "{{.Names}}", *given).stdout.split())

    def container(self, run: str) -> str:
        """The container of a run."""
        return next(name for name in self.containers("run") if name.endswith(run))

    def remove(self) -> None:
        """Takes all of it away, whatever state it is in."""
        self.unmoor("down", "--yes", "--destroy-data", check=False)
        of = ("--filter", f"label=agent={self.name}")
        if left := self.docker("ps", "--all", "--quiet", *of).stdout.split():
            self.docker("rm", "--force", "--volumes", *left, check=False)
        for kind in ("network", "volume"):
            if left := self.docker(kind, "ls", "--quiet", *of).stdout.split():
                self.docker(kind, "rm", *left, check=False)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A gateway that is asked with its token."""

    url: str
    token: str

    def __call__(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return json.loads(self.text(path, body))

    def text(self, path: str, body: Mapping[str, Any] | None = None) -> str:
        """What it answers; a body makes it a POST."""
        asked = urllib.request.Request(self.url + path, data=None if body is None else json.dumps(body).encode())
        asked.add_header("authorization", f"Bearer {self.token}")
        asked.add_header("content-type", "application/json")
        with urllib.request.urlopen(asked, timeout=40) as answer:
            return answer.read().decode()

    def start(self, prompt: str) -> str:
        return self("/runs", {"prompt": prompt})["id"]

    def reached(self, run: str, *statuses: str, within: float = 120) -> dict[str, Any]:
        """The run, once it has one of these statuses, or any that it ends with."""
        deadline = time.monotonic() + within
        while (shown := self(f"/runs/{run}"))["status"] not in (statuses or ENDED):
            assert time.monotonic() < deadline, shown
            time.sleep(0.2)
        return shown

    def sends(self, trigger: str, body: Mapping[str, Any], secret: str, delivery: str) -> tuple[int, Any]:
        """A webhook as GitHub signs it: its status and what is answered."""
        data = json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}/hooks/{trigger}", data=data)
        signed = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
        asked.add_header("x-hub-signature-256", f"sha256={signed}")
        asked.add_header("x-github-event", "issues")
        asked.add_header("x-github-delivery", delivery)
        asked.add_header("content-type", "application/json")
        try:
            with urllib.request.urlopen(asked, timeout=40) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")
