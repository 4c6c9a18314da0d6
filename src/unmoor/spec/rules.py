"""Rules over several fields of the spec; each yields (path, rule, remedy) for every breach."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path as FilePath

import tzdata

from unmoor.container import RUN_TOKEN_KEY
from unmoor.cron import CronError, parse
from unmoor.quantities import mebibytes, quote_truncated
from unmoor.runtime.secret_references import SECRET_REFERENCE

from .egress_rules import unreachable_hosts
from .harness_support import unsupported_features
from .mail_servers import default_authserv_id
from .make_plan import secret_uses
from .models import ADDRESS, EmailSpec, Spec, VerifySpec
from .template_syntax import problems_in
from .yaml_positions import Path

Finding = tuple[Path, str, str]

MOST_MIB = mebibytes("64Ti")
ANY_SECRET_REFERENCE = re.compile(r"\$\{secret:[^}]*\}?")


def validate(spec: Spec) -> Iterator[Finding]:
    """Every breach of a rule in a well-formed spec."""
    for rule in (
        unsupported_features,
        _secrets,
        _secret_references,
        _triggers,
        _templates,
        _sizes,
        _paths,
        unreachable_hosts,
    ):
        yield from rule(spec)


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
    if RUN_TOKEN_KEY in spec.secrets:
        yield ("secrets", RUN_TOKEN_KEY), "runs and the guard hold a generated secret of this name", "rename it"
    if spec.gateway.token is None and "gateway-token" in spec.secrets:
        rule = "the generated token uses this name"
        yield (
            ("secrets", "gateway-token"),
            rule,
            "set gateway: {token: gateway-token} to use this secret as the token, or rename it",
        )


def _shared(spec: Spec) -> Iterator[Finding]:
    """Secrets that two parts of the agent would hold, although each part must have its own."""
    holders: dict[str, set[str]] = {}
    for name, holder in secret_uses(spec):
        holders.setdefault(name, set()).add(holder)
    for name, parts in holders.items():
        if len(parts) > 1 and name in spec.secrets:
            rule = f"{' and '.join(sorted(parts))} would both hold {name}"
            yield ("secrets", name), rule, "declare a separate secret for each"


def _secret_references(spec: Spec) -> Iterator[Finding]:
    for name, server in spec.tools.mcp_servers.items():
        for part in ("headers", "env"):
            for key, text in getattr(server, part).items():
                broken = SECRET_REFERENCE.sub("", text)
                if found := ANY_SECRET_REFERENCE.search(broken):
                    path = ("tools", "mcp_servers", name, part, key)
                    yield path, f"{quote_truncated(found[0])} is not a secret name", "write ${secret:name}"
    for path, text in _texts_without_secrets(spec):
        if ANY_SECRET_REFERENCE.search(text):
            yield path, "a secret is not allowed here", "only MCP headers and env take ${secret:name}"


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
            yield from _email(trigger.email, ("triggers", i, "email"))


def _schedule(cron: str, timezone: str | None, path: Path) -> Iterator[Finding]:
    try:
        parse(cron)
    except CronError as error:
        yield (*path, "cron"), error.rule, error.remedy
    if timezone is not None and timezone not in _zones():
        near = get_close_matches(timezone, _zones(), n=1)
        hint = f"did you mean {near[0]}?" if near else "write an IANA name such as Europe/Paris"
        yield (*path, "timezone"), f"unknown time zone {quote_truncated(timezone)}", hint


@cache
def _zones() -> frozenset[str]:
    names = FilePath(tzdata.__file__).with_name("zones").read_text(encoding="utf-8")
    return frozenset(names.split()) - {"Factory"}


def _when(when: Mapping[str, object], path: Path) -> Iterator[Finding]:
    for key, wanted in when.items():
        if wanted == []:
            yield (*path, key), "the list is empty, so nothing would start a run", "list a value"
        if not re.fullmatch(r"header\.[A-Za-z0-9-]+|body(\.[\w-]+|\[\d+\])+", key):
            yield (*path, key), f"{quote_truncated(key)} is not part of a delivery", "write header.NAME or body.PATH"


def _email(email: EmailSpec, path: Path) -> Iterator[Finding]:
    yield from _port(email.imap, (*path, "imap"))
    yield from _port(email.smtp or "", (*path, "smtp"))
    yield from _senders(email.allow_from, (*path, "allow_from"))
    host = email.imap.partition(":")[0]
    if not email.authserv_id and not default_authserv_id(host):
        rule = f"{host} does not say which server verifies senders"
        yield (*path, "imap"), rule, "add email.authserv_id, the first name in the mailbox's Authentication-Results"
    if email.smtp and not email.address and not re.fullmatch(ADDRESS, email.user):
        rule = f"{quote_truncated(email.user)} is not an address to send answers from"
        yield (*path, "smtp"), rule, "add email.address"


def _port(place: str, path: Path) -> Iterator[Finding]:
    port = place.partition(":")[2]
    if port and not 0 < int(port) < 65536:
        yield path, f"{port} is not a port", "write 1 to 65535"


def _senders(allowed: list[str], path: Path) -> Iterator[Finding]:
    for i, sender in enumerate(allowed):
        if sender == "*" or not re.fullmatch(r"[^@\s*]+@[^@\s*]+|\*@[^@\s*]+", sender):
            yield (
                (*path, i),
                f"{quote_truncated(sender)} is not a sender",
                "write an address, or *@example.com for a whole domain",
            )


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
            yield path, f"{size} is too small to start", f"write {least}Mi or more"
        if size is not None and mebibytes(size) > MOST_MIB:
            yield path, f"{size} is larger than any machine", "write 64Ti or less"


def _paths(spec: Spec) -> Iterator[Finding]:
    """Workspace paths that leave the workspace or are used twice."""
    seen: dict[str, Path] = {}
    for path, text in _workspace_paths(spec):
        parts = text.removeprefix("./").split("/")
        if text.startswith("/") or ".." in parts or not text.strip("./"):
            yield path, f"{quote_truncated(text)} is outside the workspace", "write a path inside it"
        elif seen.setdefault("/".join(parts), path) != path:
            yield path, f"{quote_truncated(text)} is used by another entry of context", "give it another path"
    for i, glob in enumerate(spec.run.artifacts):
        if glob.startswith("/") or ".." in glob.split("/"):
            yield ("run", "artifacts", i), f"{quote_truncated(glob)} is outside the workspace", "write a glob inside it"


def _workspace_paths(spec: Spec) -> Iterator[tuple[Path, str]]:
    for i, repo in enumerate(spec.context.repos):
        name = repo.path or repo.url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
        yield ("context", "repos", i, "path" if repo.path else "url"), name
    for i, file in enumerate(spec.context.files):
        name = file.path or file.source.rstrip("/").rsplit("/", 1)[-1]
        yield ("context", "files", i, "path" if file.path else "source"), name


def unverified_webhooks(spec: Spec) -> tuple[str, ...]:
    """The names of the webhooks that anyone may call."""
    return tuple(t.name for t in spec.triggers if t.webhook and not isinstance(t.webhook.verify, VerifySpec))
