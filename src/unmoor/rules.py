"""The language's rules that span several fields; each yields (path, rule, remedy) for what breaks it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones

from .cron import CronError, parse
from .make_plan import SECRET_REFERENCE, secret_uses
from .quantities import mebibytes, shown
from .reach import out_of_reach
from .spec import Spec, VerifySpec
from .template import problems_in
from .yamltext import Path

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
MOST_MIB = mebibytes("64Ti")
ANY_SECRET_REFERENCE = re.compile(r"\$\{secret:[^}]*\}?")


def findings(spec: Spec) -> Iterator[Finding]:
    """Everything in the spec that is well formed but cannot be meant."""
    for rule in (_harness, _model, _mcp, _skills, _secrets, _secret_references, _triggers, _templates, _sizes, _paths):
        yield from rule(spec)
    yield from out_of_reach(spec)


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
        yield ("harness", "version"), f"{shown(harness.version)} is no exact version", "write one such as 2.1.330"


def _model(spec: Spec) -> Iterator[Finding]:
    if spec.model is None:
        if spec.harness.name != "command":
            yield ("model",), f"harness {spec.harness.name} needs a model", "add model: {provider, name, api_key}"
        if spec.run.max_cost_usd or spec.budget.per_day_usd:
            path = ("run", "max_cost_usd") if spec.run.max_cost_usd else ("budget", "per_day_usd")
            yield path, "there is no model to spend money on", "add a model or remove the cap"
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


def _secrets(spec: Spec) -> Iterator[Finding]:
    used = dict.fromkeys(name for name, _ in secret_uses(spec))
    for name in used:
        if name not in spec.secrets:
            near = get_close_matches(name, spec.secrets, n=1)
            hint = f"did you mean {near[0]}? else " if near else ""
            rule = f"secret {name} is used but not declared"
            yield ("secrets",), rule, f"{hint}add {name}: {{env: {name.upper().replace('-', '_')}}}"
    for name in spec.secrets:
        if name not in used:
            yield ("secrets", name), f"secret {name} is declared but not used", "use it or remove it"
    yield from _shared(spec)
    if spec.gateway.token is None and "gateway-token" in spec.secrets:
        rule = "the name is taken by the token that is generated"
        yield (
            ("secrets", "gateway-token"),
            rule,
            "write gateway: {token: gateway-token} to use it as that, or rename it",
        )


def _shared(spec: Spec) -> Iterator[Finding]:
    """A secret that two parts would hold, of which one must not have what the other has."""
    holders: dict[str, set[str]] = {}
    for name, holder in secret_uses(spec):
        holders.setdefault(name, set()).add(holder)
    for name, parts in holders.items():
        if len(parts) > 1 and name in spec.secrets:
            rule = f"{' and '.join(sorted(parts))} would both hold {name}"
            yield ("secrets", name), rule, "declare a secret of its own for each"


def _secret_references(spec: Spec) -> Iterator[Finding]:
    for name, server in spec.tools.mcp_servers.items():
        for part in ("headers", "env"):
            for key, text in getattr(server, part).items():
                broken = SECRET_REFERENCE.sub("", text)
                if found := ANY_SECRET_REFERENCE.search(broken):
                    path = ("tools", "mcp_servers", name, part, key)
                    yield path, f"{shown(found[0])} is no secret's name", "write ${secret:name}"
    for path, text in _texts_without_secrets(spec):
        if ANY_SECRET_REFERENCE.search(text):
            yield path, "a secret cannot stand here", "only MCP headers and env take ${secret:name}"


def _texts_without_secrets(spec: Spec) -> Iterator[tuple[Path, str]]:
    if isinstance(spec.instructions, str):
        yield ("instructions",), spec.instructions
    for i, trigger in enumerate(spec.triggers):
        yield ("triggers", i, "prompt"), trigger.prompt
    for i, text in enumerate(spec.harness.args):
        yield ("harness", "args", i), text
    for i, text in enumerate(spec.harness.command):
        yield ("harness", "command", i), text
    for name, server in spec.tools.mcp_servers.items():
        yield ("tools", "mcp_servers", name, "url"), server.url or ""
        for i, text in enumerate(server.command):
            yield ("tools", "mcp_servers", name, "command", i), text


def _triggers(spec: Spec) -> Iterator[Finding]:
    counted = Counter(t.name for t in spec.triggers)
    seen: set[str] = set()
    for i, trigger in enumerate(spec.triggers):
        if trigger.name in seen:
            yield ("triggers", i, "name"), f"{counted[trigger.name]} triggers are named {trigger.name}", "rename one"
        seen.add(trigger.name)
        if trigger.schedule:
            yield from _schedule(trigger.schedule.cron, trigger.schedule.timezone, ("triggers", i, "schedule"))
        if trigger.webhook:
            yield from _when(trigger.webhook.when, ("triggers", i, "webhook", "when"))
        if trigger.email:
            yield from _imap_port(trigger.email.imap, ("triggers", i, "email", "imap"))
            yield from _senders(trigger.email.allow_from, ("triggers", i, "email", "allow_from"))


def _schedule(cron: str, timezone: str | None, path: Path) -> Iterator[Finding]:
    try:
        parse(cron)
    except CronError as error:
        yield (*path, "cron"), error.rule, error.remedy
    if timezone is not None and timezone not in _zones():
        near = get_close_matches(timezone, _zones(), n=1)
        hint = f"did you mean {near[0]}?" if near else "write an IANA name such as Europe/Paris"
        yield (*path, "timezone"), f"unknown time zone {shown(timezone)}", hint


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime", "posixrules", "Factory"}


def _when(when: Mapping[str, object], path: Path) -> Iterator[Finding]:
    for key, wanted in when.items():
        if wanted == []:
            yield (*path, key), "no value is in an empty list, so nothing would start a run", "list a value"
        if not re.fullmatch(r"header\.[A-Za-z0-9-]+|body(\.[\w-]+|\[\d+\])+", key):
            yield (*path, key), f"{shown(key)} names nothing of a delivery", "write header.NAME or body.PATH"


def _imap_port(imap: str, path: Path) -> Iterator[Finding]:
    port = imap.partition(":")[2]
    if port and not 0 < int(port) < 65536:
        yield path, f"{port} is no port", "write 1 to 65535"


def _senders(allowed: list[str], path: Path) -> Iterator[Finding]:
    for i, sender in enumerate(allowed):
        if sender == "*" or not re.fullmatch(r"[^@\s*]+@[^@\s*]+|\*@[^@\s*]+", sender):
            yield (*path, i), f"{shown(sender)} is no sender", "write an address, or *@example.com for a whole domain"


def _templates(spec: Spec) -> Iterator[Finding]:
    for i, trigger in enumerate(spec.triggers):
        for problem in problems_in(trigger.prompt):
            yield ("triggers", i, "prompt"), problem.rule, problem.remedy
    for problem in problems_in(spec.run.session or ""):
        yield ("run", "session"), problem.rule, problem.remedy


def _sizes(spec: Spec) -> Iterator[Finding]:
    gateway = spec.gateway
    if gateway.min is not None and gateway.max is not None and gateway.min > gateway.max:
        yield ("gateway", "min"), f"min {gateway.min} is above max {gateway.max}", "lower min or raise max"
    for path, size, least in (
        (("resources", "memory"), spec.resources.memory, 128),
        (("resources", "disk"), spec.resources.disk, 256),
        (("gateway", "memory"), gateway.memory, 128),
    ):
        if size is not None and mebibytes(size) < least:
            yield path, f"{size} is too little to start in", f"write {least}Mi or more"
        if size is not None and mebibytes(size) > MOST_MIB:
            yield path, f"{size} is more than any machine has", "write 64Ti or less"


def _paths(spec: Spec) -> Iterator[Finding]:
    """Paths inside the workspace stay inside it, and no two things are put at one place."""
    seen: dict[str, Path] = {}
    for path, text in _workspace_paths(spec):
        parts = text.removeprefix("./").split("/")
        if text.startswith("/") or ".." in parts or not text.strip("./"):
            yield path, f"{shown(text)} is outside the workspace", "write a path inside it"
        elif seen.setdefault("/".join(parts), path) != path:
            yield path, f"{shown(text)} is taken by something else of the context", "give it another path"
    for i, glob in enumerate(spec.run.artifacts):
        if glob.startswith("/") or ".." in glob.split("/"):
            yield ("run", "artifacts", i), f"{shown(glob)} is outside the workspace", "write a glob inside it"


def _workspace_paths(spec: Spec) -> Iterator[tuple[Path, str]]:
    for i, repo in enumerate(spec.context.repos):
        name = repo.path or repo.url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
        yield ("context", "repos", i, "path" if repo.path else "url"), name
    for i, file in enumerate(spec.context.files):
        name = file.path or file.source.rstrip("/").rsplit("/", 1)[-1]
        yield ("context", "files", i, "path" if file.path else "source"), name


def unverified(spec: Spec) -> tuple[str, ...]:
    """The webhooks that anybody may call, for a command to mention."""
    return tuple(t.name for t in spec.triggers if t.webhook and not isinstance(t.webhook.verify, VerifySpec))
