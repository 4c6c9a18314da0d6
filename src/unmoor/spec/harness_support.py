"""The features that each harness supports, and a finding for every unsupported one that a spec uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unmoor.quantities import quote_truncated
from unmoor.runtime.config import DAY_CAP, RUN_CAP

from .models import Spec
from .yaml_positions import Path

Finding = tuple[Path, str, str]

# The model API formats that each harness supports, measured with the harness's own command line.
HARNESS_PROVIDERS = {
    "claude-code": ("anthropic",),
    "codex": ("openai", "openai-compatible"),
    "opencode": ("anthropic", "openai", "google", "openrouter", "openai-compatible"),
    "pi": ("anthropic", "openai", "google", "openrouter", "openai-compatible"),
    "gemini": ("google",),
    "goose": ("anthropic", "openai", "openrouter", "openai-compatible"),
    "command": ("anthropic", "openai", "google", "openrouter", "openai-compatible"),
}
# Model names that Gemini CLI replaces silently; the guard allows only the model of the spec.
GEMINI_REPLACES = {"gemini-3.1-flash-lite": "gemini-3.5-flash-lite", "gemini-3.5-flash": "gemini-3.8-flash"}
WITHOUT_MCP = ("pi", "command")
WITHOUT_SKILLS = ("gemini", "goose", "command")
# Harnesses without a published arm64 program.
WITHOUT_ARM64 = ("goose",)


def unsupported_features(spec: Spec) -> Iterator[Finding]:
    """Every feature of the spec that its harness does not support."""
    for rule in (_harness, _architecture, _model, _mcp, _skills):
        yield from rule(spec)


def _harness(spec: Spec) -> Iterator[Finding]:
    harness = spec.harness
    if harness.name == "command" and not harness.command:
        yield ("harness", "command"), "harness command needs a program", "write command: [./agent, --flag]"
    if harness.name != "command" and harness.command:
        yield (
            ("harness", "command"),
            f"command belongs to harness command, not {harness.name}",
            "remove it or use args",
        )
    if harness.name == "command" and harness.version:
        yield ("harness", "version"), "harness command takes no version", "remove it; the image decides"
    if harness.version and not re.fullmatch(r"\d+(\.\d+)+([-+.][0-9A-Za-z.-]+)?", harness.version):
        yield (
            ("harness", "version"),
            f"{quote_truncated(harness.version)} is not an exact version",
            "write one such as 2.1.330",
        )


def _architecture(spec: Spec) -> Iterator[Finding]:
    """Of the image that unmoor ships; the user's own image may contain an unpublished program."""
    if spec.resources.arch == "arm64" and spec.harness.name in WITHOUT_ARM64 and spec.image is None:
        rule = f"harness {spec.harness.name} is not published for arm64"
        yield ("resources", "arch"), rule, "write amd64, or set image to one that contains it"


def _model(spec: Spec) -> Iterator[Finding]:
    if spec.model is None:
        if spec.harness.name != "command":
            yield ("model",), f"harness {spec.harness.name} needs a model", "add model: {provider, name, api_key}"
        if spec.run.max_cost_usd or spec.budget.per_day_usd:
            cap = RUN_CAP if spec.run.max_cost_usd else DAY_CAP
            yield tuple(cap.split(".")), "a spending limit needs a model", "add a model or remove the limit"
        if spec.run.max_model_requests:
            rule = "a limit of model requests needs a model"
            yield ("run", "max_model_requests"), rule, "add a model or remove the limit"
        return
    allowed = HARNESS_PROVIDERS[spec.harness.name]
    if spec.model.provider not in allowed:
        rule = f"harness {spec.harness.name} does not support {spec.model.provider}"
        yield ("model", "provider"), rule, f"use {' or '.join(allowed)}, or another harness"
    if spec.model.provider == "openai-compatible" and spec.model.base_url is None:
        yield ("model", "base_url"), "openai-compatible has no default URL", "add base_url"
    if spec.model.base_url and spec.model.base_url.startswith("http://"):
        rule = "the API key would be sent without TLS"
        yield ("model", "base_url"), rule, "write https://"
    if spec.harness.name == "gemini" and (other := GEMINI_REPLACES.get(spec.model.name)):
        rule = f"Gemini CLI replaces {spec.model.name} by {other}"
        yield ("model", "name"), rule, f"write {other}, or use another harness"


def _mcp(spec: Spec) -> Iterator[Finding]:
    if spec.tools.mcp_servers and spec.harness.name in WITHOUT_MCP:
        rule = f"harness {spec.harness.name} does not support MCP"
        yield ("tools", "mcp_servers"), rule, "remove the servers or use claude-code, codex, opencode, gemini or goose"


def _skills(spec: Spec) -> Iterator[Finding]:
    if spec.context.skills and spec.harness.name in WITHOUT_SKILLS:
        rule = f"harness {spec.harness.name} does not support skills"
        yield ("context", "skills"), rule, "add them to context.files and name them in the instructions"
