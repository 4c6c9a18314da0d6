"""Every leaf of a plan, changed once, and whether the bundle or the build must follow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from unmoor.plan import Plan, Secret

# What a leaf becomes where adding to it would leave its grammar, by the last name of its path.
TURNED: dict[str, Any] = {
    "agent": "other-agent",
    "arch": {"amd64": "arm64", "arm64": "amd64"},
    "base_url": "https://other.example.com",
    "cron": "17 4 * * *",
    "domain": "other.example.com",
    "environment": "other",
    "folder": None,
    "holders": {("gateway",): ("guard",), ("run",): ("guard",), ("guard",): ("run",)},
    "host": "other.example.com",
    "isolation": {"container": "process", "process": "container"},
    "reference": "OTHER_REFERENCE",
    "missed": {"skip": "run_once", "run_once": "skip"},
    "session": "other",
    "source": {"env": "config", "config": "env", "file": "env", "existing": "env", "generated": "env"},
    "timezone": "Asia/Kolkata",
    "url": "https://other.example.com/x",
    "when_busy": {"queue": "skip", "skip": "queue"},
}
ABSENT: dict[str, Any] = {
    "budget_per_day_usd": Decimal(7),
    "domain": "other.example.com",
    "max_cost_usd": Decimal(7),
    "model": None,
    "session": "other",
    "verify": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A leaf of a plan: its path, whether the bundle or the build must follow it, and the changed plan."""

    path: str
    bundled: bool
    built: bool
    turned: Plan


def mutations(plan: Plan) -> Iterator[Mutation]:
    """A mutation of every leaf; an empty tuple or absent part has none, so use a full spec."""
    for way, (bundled, built), value in _leaves(plan, ()):
        turned = _turn(plan, way, value)
        if turned is not None:
            path = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in way).lstrip(".")
            yield Mutation(path=path, bundled=bundled, built=built, turned=turned)


def _leaves(value: Any, way: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any, Any]]:
    for field in dataclasses.fields(value):
        bundled, built = field.metadata.get("bundled", True), field.metadata.get("built", False)
        if not (bundled or built):
            continue
        member, here = getattr(value, field.name), (*way, field.name)
        if dataclasses.is_dataclass(member):
            yield from _leaves(member, here)
        elif isinstance(member, tuple) and member and dataclasses.is_dataclass(member[0]):
            for index, item in enumerate(member):
                yield from _leaves(item, (*here, index))
        elif member != () or "str" in str(field.type) or "Holder" in str(field.type):
            yield here, (bundled, built), member


def _turn(plan: Plan, way: tuple[str | int, ...], value: Any) -> Plan | None:
    name = str(way[-1])
    if way == ("gateway", "token"):
        return _other_token(plan)
    if value is None:
        other = ABSENT[name]
    elif name in TURNED:
        table = TURNED[name]
        other = table.get(value, ("guard",)) if isinstance(table, dict) else table
    else:
        other = _next_value(value)
    if other is None or other == value or (way[0] == "secrets" and value == ""):
        return None  # nothing is read from where a secret is existing or generated
    turned = _replace_at(plan, way, other)
    if name == "name" and value == plan.gateway.token:
        turned = dataclasses.replace(turned, gateway=dataclasses.replace(plan.gateway, token=other))
    return turned


def _next_value(value: Any) -> Any:
    """The next value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | Decimal):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, tuple):
        return (*value, ("other", "other")) if value and isinstance(value[0], tuple) else (*value, "other")
    raise AssertionError(f"no way to turn {value!r}")


def _other_token(plan: Plan) -> Plan:
    """The plan with another token, and its secret."""
    other = Secret(name="other-token", source="env", reference="OTHER_TOKEN", holders=("gateway",))
    gateway = dataclasses.replace(plan.gateway, token=other.name)
    return dataclasses.replace(plan, gateway=gateway, secrets=(*plan.secrets, other))


def _replace_at(value: Any, way: tuple[str | int, ...], other: Any) -> Any:
    if not way:
        return other
    step, rest = way[0], way[1:]
    if isinstance(step, int):
        return (*value[:step], _replace_at(value[step], rest, other), *value[step + 1 :])
    return dataclasses.replace(value, **{step: _replace_at(getattr(value, step), rest, other)})
