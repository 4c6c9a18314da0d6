"""What each harness can do, and a finding for what a spec asks of one that cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unmoor.quantities import quote_truncated
from unmoor.runtime.config import DAY_CAP, RUN_CAP

from .models import Spec
from .yaml_positions import Path

Finding = tuple[Path, str, str]

# Which wire formats each harness speaks, measured with the harness's own command line.
HARNESS_PROVIDERS = {
    "claude-code": ("anthropic",),
    "codex": ("openai", "openai-compatible"),
    "opencode": ("anthropic", "openai", "google", "openrouter", "openai-compatible"),
    "pi": ("anthropic", "openai", "google", "openrouter", "openai-compatible"),
    "gemini": ("google",),
    "goose": ("anthropic", "openai", "openrouter", "openai-compatible"),
    "command": ("anthropic", "openai", "google", "openrouter", "openai-compatible"),
}
# Names that Gemini CLI replaces without a word; the guard lets no other model through than the spec's.
GEMINI_REPLACES = {"gemini-3.1-flash-lite": "gemini-3.5-flash-lite", "gemini-3.5-flash": "gemini-3.8-flash"}
WITHOUT_MCP = ("pi", "command")
WITHOUT_SKILLS = ("gemini", "goose", "command")
# Nobody publishes a program of these for this architecture.
WITHOUT_ARM64 = ("goose",)


def unsupported_features(spec: Spec) -> Iterator[Finding]:
    """Everything that the spec asks of its harness and that the harness cannot do."""
    for rule in (_harness, _architecture, _model, _mcp, _skills):
        yield from rule(spec)


def _harness(spec: Spec) -> Iterator[Finding]:
    harness = spec.harness
    if harness.name == "command" and not harness.command:
        yield ("harness", "command"), "harness command needs the program to run", "write command: [./agent, --flag]"
    if harness.name != "command" and harness.command:
        yield (
            ("harness", "command"),
            f"command belongs to harness command, not {harness.name}",
            "remove it, or use args",
        )
    if harness.name == "command" and harness.version:
        yield ("harness", "version"), "harness command has no version of unmoor's", "remove it; the image decides"
    if harness.version and not re.fullmatch(r"\d+(\.\d+)+([-+.][0-9A-Za-z.-]+)?", harness.version):
        yield (
            ("harness", "version"),
            f"{quote_truncated(harness.version)} is no exact version",
            "write one such as 2.1.330",
        )


def _architecture(spec: Spec) -> Iterator[Finding]:
    """Of the image that unmoor ships; one of the user's own may hold what nobody publishes."""
    if spec.resources.arch == "arm64" and spec.harness.name in WITHOUT_ARM64 and spec.image is None:
        rule = f"harness {spec.harness.name} has no program for arm64"
        yield ("resources", "arch"), rule, "write amd64, or give an image that holds one"


def _model(spec: Spec) -> Iterator[Finding]:
    if spec.model is None:
        if spec.harness.name != "command":
            yield ("model",), f"harness {spec.harness.name} needs a model", "add model: {provider, name, api_key}"
        if spec.run.max_cost_usd or spec.budget.per_day_usd:
            cap = RUN_CAP if spec.run.max_cost_usd else DAY_CAP
            yield tuple(cap.split(".")), "there is no model to spend money on", "add a model or remove the cap"
        return
    allowed = HARNESS_PROVIDERS[spec.harness.name]
    if spec.model.provider not in allowed:
        rule = f"harness {spec.harness.name} cannot speak to {spec.model.provider}"
        yield ("model", "provider"), rule, f"use {' or '.join(allowed)}, or another harness"
    if spec.model.provider == "openai-compatible" and spec.model.base_url is None:
        yield ("model", "base_url"), "openai-compatible has no address of its own", "add base_url"
    if spec.model.base_url and spec.model.base_url.startswith("http://"):
        rule = "the key would travel without TLS"
        yield ("model", "base_url"), rule, "write https://"
    if spec.harness.name == "gemini" and (other := GEMINI_REPLACES.get(spec.model.name)):
        rule = f"Gemini CLI asks for {other} when it is told {spec.model.name}"
        yield ("model", "name"), rule, f"write {other}, or use another harness"


def _mcp(spec: Spec) -> Iterator[Finding]:
    if spec.tools.mcp_servers and spec.harness.name in WITHOUT_MCP:
        rule = f"harness {spec.harness.name} has no MCP"
        yield ("tools", "mcp_servers"), rule, "remove the servers or use claude-code, codex, opencode, gemini or goose"


def _skills(spec: Spec) -> Iterator[Finding]:
    if spec.context.skills and spec.harness.name in WITHOUT_SKILLS:
        rule = f"harness {spec.harness.name} has no skills"
        yield ("context", "skills"), rule, "put them into context.files and name them in the instructions"
