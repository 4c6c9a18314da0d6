"""Connects to an agent by its deployment's outputs, its gateway's address or its store."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unmoor.errors import InputError, Problem, UnmoorError

from .agent import AgentClient
from .gateway_agent import GatewayAgent
from .gateway_client import GatewayHttp, Tunnel, gateway_url

if TYPE_CHECKING:
    from unmoor.spec.load import Loaded
    from unmoor.target import Outputs
    from unmoor.target.choose import SelectedTarget

    from .store_agent import StoreAgent

TOKEN = "UNMOOR_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLocation:
    """Where the agent is: a gateway's `url`, a `store`, or else the spec's deployment to the target."""

    file: Path = Path()
    environment: str | None = None
    target: str = ""
    backend: str = ""
    url: str = ""
    store: str = ""

    def load(self) -> Loaded:
        from unmoor.spec.load import load

        return load(self.file, self.environment)


class MissingOption(UnmoorError):
    """The options do not identify an agent."""

    exit_code = 2


@contextlib.contextmanager
def connect_agent(where: AgentLocation, *, starting: bool = False) -> Iterator[AgentClient]:
    """A client of the agent. `starting` a run through a store needs the spec too."""
    with contextlib.closing(_store_agent(where, starting) if where.store else connect_gateway(where)) as agent:
        yield agent


def connect_gateway(where: AgentLocation) -> GatewayAgent:
    """A client of the gateway at the given address, or the deployment's."""
    _reject_both(where)
    if where.url:
        token = os.environ.get(TOKEN, "")
        return _gateway(gateway_url(where.url), token, token_from=f"the token in {TOKEN}")
    from unmoor.target.choose import default_target, select_target

    loaded = where.load()
    chosen = select_target(loaded, default_target(loaded, where.target))
    return gateway_at(chosen, deployed_outputs(loaded, chosen.target.name, backend=where.backend))


def gateway_at(chosen: SelectedTarget, outputs: Outputs) -> GatewayAgent:
    """The agent at the deployment's gateway."""
    return _gateway(
        gateway_url(outputs.url),
        outputs.token,
        token_from=f"the token of {chosen.target.name}'s outputs: unmoor up sets it again",
        instead=_instead(outputs),
        way=lambda url: chosen.target.open_tunnel(url, chosen.settings),
    )


def deployed_outputs(loaded: Loaded, target: str, *, backend: str) -> Outputs:
    """The outputs of the spec's deployment to that target; UnmoorError if it is not deployed."""
    from unmoor.stacks.read_outputs import read_outputs
    from unmoor.stacks.stack_location import stack_location

    plan = loaded.plan
    return read_outputs(stack_location(plan.agent, plan.environment, target, backend=backend))


def _reject_both(where: AgentLocation) -> None:
    if where.store and where.url:
        raise MissingOption("--url and --store exclude each other")


def _instead(outputs: Outputs) -> str:
    """An alternative to an unreachable gateway; a store in another machine's folder cannot be read."""
    if str(outputs.store_url).startswith("file:"):
        return f"its log: {outputs.logs}"
    return f"--store {outputs.store_url} reads the store itself"


def _gateway(
    url: str,
    token: str,
    *,
    token_from: str,
    instead: str = "--store URL reads the store itself",
    way: Tunnel = contextlib.nullcontext,
) -> GatewayAgent:
    if not (token.isascii() and token.isprintable()):
        raise MissingOption(f"{TOKEN}: is not a valid token; a header cannot contain all of its characters")
    return GatewayAgent(http=GatewayHttp(url=url, token=token, token_from=token_from, instead=instead, tunnel=way))


def _store_agent(where: AgentLocation, starting: bool) -> StoreAgent:
    _reject_both(where)
    from unmoor.runtime.store import open_store

    from .store_agent import StoreAgent

    agent = StoreAgent(url=where.store, store=open_store(where.store))
    return _with_bundle(agent, where.load()) if starting else agent


def _with_bundle(agent: StoreAgent, loaded: Loaded) -> StoreAgent:
    """The agent with the local spec's bundle; InputError if that bundle is not in the store."""
    from dataclasses import replace

    from unmoor.plan.bundle import pack
    from unmoor.plan.local_secrets import local_value
    from unmoor.runtime.redact import redactor
    from unmoor.runtime.state.bundle import unpack_bundle

    archive = pack(loaded.plan)
    digest = hashlib.sha256(archive).hexdigest()
    if not agent.has_bundle(digest):
        rule = f"this version of the spec is not deployed at {agent.url}"
        raise InputError([Problem(path=str(loaded.file), rule=rule, remedy="deploy it, or use its gateway")])
    values = {s.name: local_value(s, loaded.file.parent) for s in loaded.plan.secrets}
    with tempfile.TemporaryDirectory() as folder:
        bundle = unpack_bundle(archive, digest, Path(folder) / "bundle")
    return replace(agent, bundle=bundle, redact=redactor({name: value for name, value in values.items() if value}))
