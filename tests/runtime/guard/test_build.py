"""A guard that is built of an agent's configuration."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path

import pytest
from clients import connected
from test_connect import HELLO, PUBLIC, connect, until
from world import GRANT, World, echo, server

from unmoor.runtime.config import AgentConfig, read_config
from unmoor.runtime.environment import ContainerEnvironment
from unmoor.runtime.guard.build import open_guard
from unmoor.runtime.guard.main import model_key
from unmoor.runtime.run.guard_port import GuardPort
from unmoor.runtime.store import open_store


@pytest.fixture
def agent(full_config: dict) -> AgentConfig:
    return dataclasses.replace(read_config(json.dumps(full_config)), model=None)


@pytest.mark.parametrize(("egress_any", "other"), [(False, b"HTTP/1.1 403 "), (True, b"HTTP/1.1 200 ")])
def test_hosts_are_reached_that_the_agent_names_and_others_if_any_may_be(
    agent: AgentConfig, egress_any: bool, other: bytes
) -> None:
    agent = dataclasses.replace(
        agent, network=dataclasses.replace(agent.network, egress=("github.com",), egress_any=egress_any)
    )

    async def answer(host: str) -> bytes:
        world = World(names={"github.com": [PUBLIC], "other.org": [PUBLIC]})
        async with (
            server(echo) as world.port,
            open_guard(agent, store=open_store("memory://"), key="", network=world) as guard,
            GuardPort(guard, GRANT, lambda event: None) as port,
            connected(port.number) as client,
        ):
            await client.write(connect(f"{host}:443"))
            head = await until(client, b"\r\n\r\n")
            await client.write(HELLO)
            return head

    assert asyncio.run(answer("github.com")).startswith(b"HTTP/1.1 200 ")
    assert asyncio.run(answer("other.org")).startswith(other)


def test_the_models_key_is_the_secret_that_the_agent_names(full_config: dict) -> None:
    environment = ContainerEnvironment(
        store_url="memory://",
        bundle="",
        guard_url="",
        gateway_url="",
        work_root=Path(),
        secrets={"UNMOOR_SECRET_K": "of-the-model", "UNMOOR_SECRET_T": "another"},
    )
    assert model_key(read_config(json.dumps(full_config)), environment) == "of-the-model"
