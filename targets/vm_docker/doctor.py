"""What a deployment needs on the machine with Docker, and to reach it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmoor.docker.engine import DockerHost, DockerUnavailable
from unmoor.doctor.machine import clock, docker, no_docker, ports
from unmoor.findings import Finding, failure, note, ok
from unmoor.plan import Plan
from unmoor.plan.physical_names import tags

from .describe import public_name
from .settings import DockerSettings
from .sizes import listening_port

# https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html
LISTENS = "0A"
TCP = ("/proc/net/tcp", "/proc/net/tcp6")
OWN = "this agent"


def doctor(plan: Plan | None, settings: DockerSettings | None) -> Iterator[Finding]:
    """The connection, the engine and its clock, and whether the ports are free."""
    if plan is None or settings is None:
        yield note("Docker", "the machine is targets.vm-docker.host of a spec", "give the spec")
        return
    with host_of(settings) as host:
        if host.is_remote:
            yield ssh_client(shutil.which("ssh"))
        name = settings.host if host.is_remote else "this machine"
        where = f"on {name}"
        try:
            version = host.version()
        except DockerUnavailable as error:
            yield no_docker(str(error), where=where, needed_for="everything runs there")
            return
        yield docker(version, where=where, isolating=True)
        yield clock(datetime.now(UTC), host.at, where=name)
        yield from ports(required_ports(plan, settings), _ports_in_use(host, plan), where=where, own=OWN)


def host_of(settings: DockerSettings) -> DockerHost:
    """The machine's engine, not yet connected."""
    if settings.host == "local":
        return DockerHost()
    return DockerHost(url=settings.host, ssh_opts=settings.ssh_opts)


def ssh_client(path: str | None) -> Finding:
    """Whether an ssh client is installed."""
    return ok("SSH", path) if path else failure("SSH", "no ssh client is installed", "install OpenSSH's")


def required_ports(plan: Plan, settings: DockerSettings) -> tuple[int, ...]:
    """The ports that the agent uses on the machine."""
    return (80, 443) if public_name(plan, settings) else (listening_port(plan, settings),)


def _ports_in_use(host: DockerHost, plan: Plan) -> Mapping[int, str] | None:
    """The ports in use and by what; None if that cannot be found out."""
    try:
        published = published_ports(host.get("/containers/json"), tags(plan))
        text = host.run(["cat", *TCP]) if host.is_remote else "".join(Path(each).read_text() for each in TCP)
    except (DockerUnavailable, OSError):
        return None
    return {**dict.fromkeys(listening(text), ""), **published}


def published_ports(containers: list[dict[str, Any]], own: Mapping[str, str]) -> dict[int, str]:
    """The ports that containers publish, with the container's name, or OWN for this agent's."""
    found: dict[int, str] = {}
    for each in containers:
        is_own = own.items() <= (each.get("Labels") or {}).items()
        name = OWN if is_own else f"the container {each['Names'][0].lstrip('/')}"
        found |= {port["PublicPort"]: name for port in each.get("Ports") or () if port.get("PublicPort")}
    return found


def listening(text: str) -> set[int]:
    """The listening ports in the kernel's tables."""
    lines = re.findall(rf"^ *\d+: [0-9A-F]+:([0-9A-F]{{4}}) [0-9A-F]+:[0-9A-F]{{4}} {LISTENS} ", text, re.M)
    return {int(port, 16) for port in lines}
