"""The rules that every target's graph must obey, as functions over recorded values.

Each yields one line for every breach. The conformance suite and the policy pack run them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from unmoor.container import RUN_TOKEN_KEY
from unmoor.graph import Resource
from unmoor.plan import Plan
from unmoor.target import Access

# The operations that each part may use under each prefix of the store. The guard records the day's spending.
MAY_TOUCH = {
    "gateway": {
        "bundles/": {"read"},
        "deliveries/": {"read", "write", "delete"},
        "queue/": {"read", "write", "delete"},
        "runs/": {"read", "write", "delete"},
        "sessions/": {"read", "write", "delete"},
    },
    "run": {
        "bundles/": {"read"},
        "queue/": {"read"},
        "queue/fired/": {"read", "write", "delete"},
        "runs/": {"read", "write", "delete"},
        "sessions/": {"read", "write", "delete"},
    },
    # Overwriting needs the permission to delete on some stores, and the day's spending is overwritten.
    "guard": {"budget/": {"read", "write", "delete"}, "bundles/": {"read"}},
}
MAY_START = {"gateway": {"run"}, "schedules": {"run"}, "launcher": {"run"}}


def descends_from_one(resources: Sequence[Resource]) -> Iterator[str]:
    """Every resource descends from the one component."""
    parents = {r.name: r.parent for r in resources if r.type.startswith("unmoor:") or r.parent is None}
    roots = [r for r in resources if r.parent is None]
    if len(roots) != 1:
        yield f"{len(roots)} resources have no parent: {', '.join(f'{r.type} {r.name}' for r in roots)}"
    for resource in resources:
        if resource.parent is not None and resource.parent not in parents:
            yield f"{resource.type} {resource.name} descends from {resource.parent}, which is not a component"


def unique(resources: Iterable[Resource]) -> Iterator[str]:
    """No two resources of a type share a name."""
    counted = Counter((r.type, r.name) for r in resources)
    yield from (f"{count} resources are {type_} {name}" for (type_, name), count in counted.items() if count > 1)


def no_plain_secret(plain: Iterable[str], values: Iterable[str]) -> Iterator[str]:
    """No secret's value is sent outside a secret wrapper."""
    texts = list(plain)
    for value in values:
        yield from (f"{value!r} is sent in plain in {text[:80]!r}" for text in texts if value in text)


def secrets_reach_their_holders(plan: Plan, access: Access) -> Iterator[str]:
    """Each part receives every secret that it holds, and no other; a target may give runs and guard their own key."""
    living = {"run": "gateway"} if plan.run.isolation == "process" else {}
    held = {(living.get(holder, holder), s.name) for s in plan.secrets for holder in s.holders}
    token_key = {(living.get(holder, holder), RUN_TOKEN_KEY) for holder in ("run", "guard")}
    for who, name in sorted(access.reads - held - token_key):
        yield f"{who} can read {name}, which it does not hold"
    for who, name in sorted(held - access.reads):
        yield f"{who} does not receive {name}, which it holds"


def code_obtains_only_its_own(plan: Plan, access: Access) -> Iterator[str]:
    """A container's credentials can only read its own secrets, and only the guard's can read the model key."""
    guarded = {s.name for s in plan.secrets_held_by("guard")}
    for who, name in sorted(access.self_obtainable):
        if name in guarded and who != "guard":
            yield f"code in {who} can obtain the model key {name}"
        elif who == "run" and name not in {RUN_TOKEN_KEY, *(s.name for s in plan.secrets_held_by("run"))}:
            yield f"code in run can obtain {name}"


def store_by_prefix(plan: Plan, access: Access) -> Iterator[str]:
    """Each part accesses only its own prefixes of the store."""
    for who, what, prefix in sorted(access.store_access):
        parts = _living_in(plan, who)
        allowed = {kind for part in parts for kind in MAY_TOUCH.get(part, {}).get(prefix, ())}
        if what not in allowed:
            yield f"{who} may {what} {prefix or 'the whole store'}"


def starts_only_runs(plan: Plan, access: Access) -> Iterator[str]:
    """Only the gateway, the launcher and the schedules may start anything, and only runs of this agent."""
    for who, what in sorted(access.starts):
        if what not in MAY_START.get(who, ()):
            yield f"{who} may start {what}"


def public_by_tls(plan: Plan, access: Access) -> Iterator[str]:
    """Nothing listens on a public address without TLS."""
    for what, port, public, tls in sorted(access.listens):
        if public and not tls:
            yield f"{what} listens on public port {port} without TLS"


def no_wildcards(plan: Plan, access: Access) -> Iterator[str]:
    """No grant uses a wildcard where a name is known."""
    yield from access.wildcards


ACCESS_RULES = (
    secrets_reach_their_holders,
    code_obtains_only_its_own,
    store_by_prefix,
    starts_only_runs,
    public_by_tls,
    no_wildcards,
)


def access_breaches(plan: Plan, access: Access) -> list[str]:
    """Every breach of the access rules."""
    return [breach for rule in ACCESS_RULES for breach in rule(plan, access)]


def machine_paths(resources: Iterable[Resource], folders: Iterable[str]) -> Iterator[str]:
    """No input names a folder of the compiling machine."""
    for resource in resources:
        text = repr(resource.inputs)
        yield from (f"{resource.type} {resource.name} names {f}" for f in folders if re.search(re.escape(f), text))


def _living_in(plan: Plan, who: str) -> tuple[str, ...]:
    """The parts that share credentials: sidecars share their task's, and process runs the gateway's."""
    if who == "gateway" and plan.run.isolation == "process":
        return ("gateway", "run", "guard")
    if who == "guard" and plan.run.isolation == "process":
        return ("gateway", "run", "guard")
    return ("run", "guard") if who in ("run", "guard") else (who,)
