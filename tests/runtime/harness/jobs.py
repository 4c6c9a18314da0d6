"""Jobs for the harness tests: one that is complete, to vary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from unmoor.runtime.config import McpServer, Model
from unmoor.runtime.harness.protocol import GuardEndpoint, LaunchSpec, Skill

NEW_SESSION = "6f1a1c3e-0000-4000-8000-000000000001"
OLD_SESSION = "6f1a1c3e-0000-4000-8000-000000000002"
TOKEN = "per-run-token"
PROXY = f"http://run:{TOKEN}@127.0.0.1:9"
MODELS = {
    "claude-code": ("anthropic", "claude-sonnet-5"),
    "codex": ("openai", "gpt-5.5"),
    "opencode": ("anthropic", "claude-sonnet-5"),
    "pi": ("openai", "gpt-5.5"),
    "gemini": ("google", "gemini-2.5-pro"),
    "goose": ("openai-compatible", "some-model"),
    "command": ("openai", "gpt-5.5"),
}
SKILL = Skill(
    name="triage",
    files=(
        (
            "SKILL.md",
            b"---\nname: triage\ndescription: How the issues here are labelled\n---\nUse bug or idea.\n",
            False,
        ),
        ("count.sh", b"#!/bin/sh\necho 3\n", True),
    ),
)
STDIO = McpServer(name="local", url="", headers=(), command=("python3", "server.py"), env=(("KEY", "env-secret"),))
HTTP = McpServer(
    name="far",
    url="https://mcp.example.com/mcp",
    headers=(("Authorization", "Bearer header-secret"),),
    command=(),
    env=(),
)


def job(harness: str, **changes: Any) -> LaunchSpec:
    """A job for that harness with nothing but a prompt, and with these changes."""
    provider, model = MODELS[harness]
    plain = LaunchSpec(
        version="1.0.0",
        args=(),
        command=("./agent", "--flag") if harness == "command" else (),
        model=Model(provider=provider, name=model, base_url="https://models.example.com", api_key="model-key"),
        guard=GuardEndpoint(model_url="http://127.0.0.1:9/model", proxy_url=PROXY, token=TOKEN),
        home=PurePosixPath("/run/home"),
        work=PurePosixPath("/run/work"),
        temp=PurePosixPath("/run/temp"),
        instructions="",
        skills=(),
        mcp_servers=(),
        prompt="Triage issue 7",
        session="",
        new_session=NEW_SESSION,
        programs={},
    )
    return replace(plain, **changes)


def of_model(provider: str, name: str) -> Model:
    return Model(provider=provider, name=name, base_url="https://models.example.com", api_key="model-key")
