"""Who may do what, read from a recorded graph: its mounts, networks, ports and uploads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmoor.container import SECRET_PREFIX, STORE_DIR
from unmoor.graph import Resource
from unmoor.plan import Plan
from unmoor.target import Access, secret_name_from_variable

CONTAINER = "docker:index/container:Container"
# Folders that may contain Docker's socket; its name ends in .sock.
SOCKET_FOLDERS = ("/", "/var/run", "/run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A mount of a container, and whether it is writable."""

    source: str
    target: str
    writes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A long-running container, or the runs that the launcher creates."""

    name: str
    mounts: Sequence[Mount]
    networks: Sequence[str]
    inputs: Mapping[str, Any]


def access(plan: Plan, resources: Sequence[Resource]) -> Access:
    """What the graph allows each container and the public.

    The launcher holds the Docker socket and could do anything, but runs only unmoor's own code and accepts only a run's
    id. Any other holder of the socket counts as able to read every secret and to start anything.
    """
    containers = [r for r in resources if r.type == CONTAINER]
    principals = list(_principals(plan, containers))
    files = _secret_files(containers)
    return Access(
        reads=frozenset((p.name, s) for p in principals for s in _reads(p, files)),
        self_obtainable=frozenset((p.name, s) for p in principals for s in _obtainable_secrets(p, files)),
        store_access=frozenset(t for p in principals for t in _store_access(p)),
        starts=frozenset(s for p in principals for s in _starts(p, principals)),
        listens=frozenset(x for c in containers for x in _listens(plan, c, containers)),
        wildcards=tuple(w for c in containers for w in _wildcards(c)),
    )


def _principals(plan: Plan, containers: Iterable[Resource]) -> Iterator[Principal]:
    for container in containers:
        inputs = container.inputs
        if inputs.get("mustRun") is False and inputs.get("networkMode") == "none":
            continue  # the seed has ended and had no network
        yield Principal(
            name=_role(plan, container),
            mounts=[_mount(m) for m in inputs.get("mounts", [])],
            networks=[n["name"] for n in inputs.get("networksAdvanced", [])],
            inputs=inputs,
        )
        if template := _environment(inputs).get("UNMOOR_RUN_TEMPLATE"):
            yield _run(json.loads(template)["container"])


def _run(template: Mapping[str, Any]) -> Principal:
    host = template["HostConfig"]
    mounts = [
        Mount(source=m.get("Source", ""), target=m["Target"], writes=not m.get("ReadOnly")) for m in host["Mounts"]
    ]
    return Principal(name="run", mounts=mounts, networks=[host["NetworkMode"]], inputs={})


def _role(plan: Plan, container: Resource) -> str:
    role = container.name.removeprefix(f"{plan.agent}-")
    return "gateway" if role.startswith("gateway-") else role


def _mount(mount: Mapping[str, Any]) -> Mount:
    return Mount(source=str(mount.get("source", "")), target=str(mount["target"]), writes=not mount.get("readOnly"))


def _environment(inputs: Mapping[str, Any]) -> dict[str, str]:
    pairs = (str(e).partition("=") for e in inputs.get("envs", []))
    return {name: value for name, _, value in pairs}


def _secret_files(containers: Iterable[Resource]) -> dict[str, set[str]]:
    """The secrets of each volume, by the volume's name."""
    found: dict[str, set[str]] = {}
    for container in containers:
        volumes = {str(m["target"]): str(m.get("source", "")) for m in container.inputs.get("mounts", [])}
        for upload in container.inputs.get("uploads", []):
            _, _, place = str(upload["file"]).partition("/seed/secrets/")
            holder, _, variable = place.partition("/")
            if variable and f"/secrets/{holder}" in volumes:
                found.setdefault(volumes[f"/secrets/{holder}"], set()).add(secret_name_from_variable(variable))
    return found


def _reads(principal: Principal, files: Mapping[str, set[str]]) -> Iterator[str]:
    for mount in principal.mounts:
        yield from files.get(mount.source, ())
        if f"/existing/{SECRET_PREFIX}" in mount.target:
            yield secret_name_from_variable(mount.target.rsplit("/", 1)[-1])


def _obtainable_secrets(principal: Principal, files: Mapping[str, set[str]]) -> Iterator[str]:
    yield from _reads(principal, files)
    if principal.name != "launcher" and _has_socket(principal):
        yield from (name for names in files.values() for name in names)


def _has_socket(principal: Principal) -> bool:
    places = [place for m in principal.mounts for place in (m.source, m.target)]
    return any(p.endswith(".sock") for p in places) or any(m.source in SOCKET_FOLDERS for m in principal.mounts)


def _store_access(principal: Principal) -> Iterator[tuple[str, str, str]]:
    for mount in principal.mounts:
        if mount.target == STORE_DIR or mount.target.startswith(f"{STORE_DIR}/"):
            prefix = mount.target.removeprefix(STORE_DIR).strip("/")
            place = f"{prefix}/" if prefix else ""
            yield principal.name, "read", place
            if mount.writes:
                yield principal.name, "write", place


def _starts(principal: Principal, principals: Sequence[Principal]) -> Iterator[tuple[str, str]]:
    """The launcher starts runs of its template; containers that share a network with it can request them."""
    if _has_socket(principal):
        yield principal.name, "run" if principal.name == "launcher" else "anything"
    launchers = {network for p in principals if p.name == "launcher" for network in p.networks}
    if principal.name != "launcher" and launchers & set(principal.networks):
        yield principal.name, "run"


def _listens(plan: Plan, container: Resource, containers: Sequence[Resource]) -> Iterator[tuple[str, int, bool, bool]]:
    proxied = _role(plan, container) == "proxy"
    for port in container.inputs.get("ports", []):
        public = not str(port.get("ip", "0.0.0.0")).startswith("127.")
        secure = proxied and _names_a_site(containers)
        yield _role(plan, container), int(port.get("external", port["internal"])), public, secure


def _names_a_site(containers: Sequence[Resource]) -> bool:
    """Whether Caddy serves a host name, which makes it use TLS and redirect plain HTTP."""
    uploads = [u for c in containers for u in c.inputs.get("uploads", [])]
    texts = [str(u.get("content", "")) for u in uploads if str(u["file"]).endswith("/Caddyfile")]
    sites = [line.split()[0] for t in texts for line in t.splitlines() if line.endswith("{") and line[0] not in "{\t "]
    return bool(sites) and all(not s.startswith((":", "http://")) for s in sites)


def _wildcards(container: Resource) -> Iterator[str]:
    inputs = container.inputs
    if inputs.get("privileged"):
        yield f"{container.name} is privileged"
    for key in ("networkMode", "pidMode", "ipcMode", "usernsMode"):
        if inputs.get(key) == "host":
            yield f"{container.name} shares the machine's {key.removesuffix('Mode')}"
    drops = inputs.get("capabilities", {}).get("drops", [])
    if "ALL" not in drops:
        yield f"{container.name} keeps capabilities"
