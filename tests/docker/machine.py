"""The target vm-docker on this machine's engine: what its program asks for, made by Docker's command line."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import docker

from unmoor.bundle import write_bundle
from unmoor.graph import Resource
from unmoor.plan import Plan
from unmoor.registry import load
from unmoor.testing.graphs import recorded

CONTAINER, NETWORK, VOLUME, IMAGE = (
    f"docker:index/{kind.lower()}:{kind}" for kind in ("Container", "Network", "Volume", "Image")
)


@dataclass
class Machine:
    """The agent's containers by role."""

    plan: Plan
    graph: Sequence[Resource]

    def named(self, role: str) -> str:
        return next(str(r.inputs["name"]) for r in self.graph if r.name == f"{self.plan.agent}-{role}")

    def asks(self, method: str, path: str, body: str = "") -> str:
        """What the first gateway answers, asked inside its own container, with the token that the seed has put there."""
        program = (
            "import pathlib, sys, urllib.request as u\n"
            "token = pathlib.Path('/run/unmoor/secrets/gateway/UNMOOR_SECRET_GATEWAY_TOKEN').read_text()\n"
            "r = u.Request('http://127.0.0.1:8080' + sys.argv[2], data=sys.argv[3].encode() or None, method=sys.argv[1])\n"
            "r.add_header('authorization', 'Bearer ' + token)\n"
            "print(u.urlopen(r, timeout=20).read().decode())\n"
        )
        return docker("exec", self.named("gateway-0"), "python3", "-c", program, method, path, body).stdout

    def runs(self) -> list[str]:
        label = f"label=unmoor.launcher={self.plan.agent}-{self.plan.environment}-run"
        return docker("ps", "--all", "--quiet", "--filter", label).stdout.split()


@contextlib.contextmanager
def machine(plan: Plan, image: str, secrets: Mapping[str, str]) -> Iterator[Machine]:
    """All of the agent but its proxy, whose image is not to be had here."""
    target = load("vm-docker")
    graph = recorded(target, plan, target.settings(host="local")).resources
    graph = [r for r in graph if r.name != f"{plan.agent}-proxy"]
    found = Machine(plan, graph)
    volumes = [*(r.inputs["name"] for r in graph if r.type == VOLUME), f"{plan.agent}-{plan.environment}-proxy"]
    networks = [r.inputs for r in graph if r.type == NETWORK]
    containers = [r.inputs for r in graph if r.type == CONTAINER]
    docker("tag", image, *(r.inputs["imageName"] for r in graph if r.type == IMAGE))
    try:
        for network in networks:
            docker("network", "create", *(["--internal"] if network["internal"] else []), network["name"])
        for container in sorted(containers, key=lambda c: "seed" not in c["name"]):
            with tempfile.TemporaryDirectory() as folder:
                _made(container, secrets, write_bundle(plan, Path(folder)).path)
        yield found
    finally:
        names = [str(c["name"]) for c in containers]
        docker("rm", "--force", "--volumes", *names, *found.runs(), check=False)
        docker("network", "rm", *(n["name"] for n in networks), check=False)
        docker("volume", "rm", *volumes, check=False)


def _made(asked: Mapping[str, Any], secrets: Mapping[str, str], bundle: Path) -> None:
    first, *others = [*asked.get("networksAdvanced", ()), None]
    command = [*asked.get("entrypoints", ())[1:], *asked["command"]]
    docker("create", *_options(asked, first), str(asked["image"]), *command)
    for other in filter(None, others):
        aliases = [part for alias in other["aliases"] for part in ("--alias", alias)]
        docker("network", "connect", *aliases, other["name"], asked["name"])
    for upload in asked.get("uploads", ()):
        _upload(str(asked["name"]), upload, secrets, bundle)
    docker("start", *(["--attach"] if asked.get("attach") else []), asked["name"])


def _options(asked: Mapping[str, Any], network: Mapping[str, Any] | None) -> list[str]:
    """The inputs as options; whatever of them matters to what a container may do is here."""
    limits = asked.get("ulimits", ())
    return [
        *("--name", asked["name"], "--user", asked["user"]),
        *(["--network", network["name"]] if network else ["--network", asked["networkMode"]]),
        *(part for alias in (network or {}).get("aliases", ()) for part in ("--network-alias", alias)),
        *(part for e in asked.get("envs", ()) for part in ("--env", e)),
        *(part for m in asked["mounts"] for part in ("--mount", _mount(m))),
        *(part for path, how in asked.get("tmpfs", {}).items() for part in ("--tmpfs", f"{path}:{how}")),
        *(part for o in asked["securityOpts"] for part in ("--security-opt", o)),
        *(part for c in asked["capabilities"].get("adds", ()) for part in ("--cap-add", c)),
        *(part for c in asked["capabilities"]["drops"] for part in ("--cap-drop", c)),
        *(part for u in limits for part in ("--ulimit", f"{u['name']}={u['soft']}:{u['hard']}")),
        *(["--read-only"] if asked.get("readOnly") else []),
        *(["--init"] if asked.get("init") else []),
        *(["--memory", f"{asked['memory']}m"] if asked.get("memory") else []),
        *(["--entrypoint", asked["entrypoints"][0]] if asked.get("entrypoints") else []),
        *(["--restart", asked["restart"]] if asked.get("restart") else []),
    ]


def _mount(mount: Mapping[str, Any]) -> str:
    return f"type={mount['type']},source={mount['source']},target={mount['target']}" + (
        ",readonly" if mount.get("readOnly") else ""
    )


def _upload(container: str, upload: Mapping[str, Any], secrets: Mapping[str, str], bundle: Path) -> None:
    """By a tar stream: `docker cp` makes no folders, and the daemon's own copy does."""
    place = str(upload["file"])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / place.lstrip("/")
        file.parent.mkdir(parents=True)
        text = upload.get("content", "")
        content = secrets[place.rsplit("/", 1)[-1]] if "/secrets/" in place else text
        file.write_bytes(bundle.read_bytes() if upload.get("source") else content.encode())
        tar = subprocess.run(["tar", "-C", folder, "-c", "."], check=True, capture_output=True)
        subprocess.run(["docker", "cp", "-", f"{container}:/"], input=tar.stdout, check=True, capture_output=True)
