"""The whole target contract: what a target is, and the values that pass between it and the rest.

A target is one `Target` value, found by an entry point in the group `unmoor.targets`. Loading it imports no SDK;
`build` and `access` name functions that are imported when they are first called. A third party's target is the same.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from unmoor.errors import Problem
from unmoor.graph import Resource
from unmoor.plan import Plan, Secret
from unmoor.plan.bundle import Bundle
from unmoor.plan.secret_version import secret_version
from unmoor.value_paths import parse_path, to_wire

if TYPE_CHECKING:
    from unmoor.findings import Finding
    from unmoor.pricing.line import CostLine
    from unmoor.pricing.pricer import Pricer
    from unmoor.pricing.usage import Usage

    from .revision import Revision

# The parts of an agent that every target serves with something of its own, in the order in which they are shown.
PARTS = (
    "gateway",
    "run",
    "guard",
    "schedules",
    "email",
    "secrets",
    "store",
    "identity",
    "logs",
    "image",
    "network",
)
Part = Literal[
    "gateway", "run", "guard", "schedules", "email", "secrets", "store", "identity", "logs", "image", "network"
]


class Override(BaseModel):
    """One change to the inputs of the resources that match: by type, and by name with or without the agent's prefix."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(description="The resource's type, such as `graph` shows it.")
    name: str = Field(description="Its name, with or without the agent's name before it; `*` is every one of the type.")
    set: dict[str, Any] = Field(min_length=1, description="Input path (camelCase, dots and [n]) to its new value.")

    @field_validator("set")
    @classmethod
    def _has_paths(cls, value: dict[str, Any]) -> dict[str, Any]:
        for path in value:
            parse_path(path)
        return {path: to_wire(v) for path, v in value.items()}


class Settings(BaseModel):
    """What every target's settings have; a target's own model inherits from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    overrides: list[Override] = Field([], description="Changes to any input of any resource, as a last resort.")
    destroy_data: bool = Field(False, description="Whether deleting the stack deletes the store's data as well.")
    secrets: dict[str, str] = Field({}, description="Where each secret that is `existing` lies, by the secret's name.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """Something the target gives a little differently from what was asked: the spec path, asked, given, why."""

    path: str
    asked: str
    given: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.asked} becomes {self.given}; {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartMapping:
    """What serves one part of the plan here, in words, and the resource types that do it."""

    part: Part
    by: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """What the target promises about one topic: enforced with by what, advisory, or absent; `note` says the rest."""

    topic: str
    strength: Literal["enforced", "advisory", "absent"]
    by: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit of the platform that bites: its topic, the value in words, and where that is written."""

    topic: str
    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may do what, read off a graph in neutral words; the rules of unmoor.testing judge it against the plan.

    A principal is a container or identity of the agent: gateway, run, guard, schedules, launcher, or whatever else the
    target has; `anyone` is the public. `reads` holds (principal, secret name) for secrets that reach the principal by
    injection or by a permission it can use; `obtains` those of them that code inside the container could fetch by
    itself with a credential it can get at. `touches` holds (principal, "read" | "write" | "delete", store prefix),
    with "" for the whole store. `starts` holds (principal, what). `listens` holds (what, port, public, tls).
    `wildcards` holds one line for every grant on everything where a name is known.
    """

    reads: frozenset[tuple[str, str]]
    self_obtainable: frozenset[tuple[str, str]]
    store_access: frozenset[tuple[str, str, str]]
    starts: frozenset[tuple[str, str]]
    listens: frozenset[tuple[str, int, bool, bool]]
    wildcards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What a build needs beside the plan: the packed bundle, the image's context, and the values of secrets.

    `secret_value` gives a secret's value as a secret pulumi Output; it is never called for one that is existing.
    `image_context` is the folder that holds the shipped Dockerfile and all that it copies. `secret_version`, of agent,
    secret and value, is a number that tells one value from another.
    """

    bundle: Bundle
    image_context: str
    secret_value: Callable[[Secret], Any]
    secret_version: Callable[[str, str, str], int] = secret_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What a deployed agent is reached by; each is text or a pulumi Output of text, under fixed names in every target.

    `token` is the value that opens the API, a secret; `run` names what a run is started from; `logs` says where they
    are. `gateway` names the gateway's own resource.
    """

    url: Any
    store_url: Any
    token: Any
    gateway: Any
    run: Any
    logs: Any
    image: Any
    bundle: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place that an agent can be deployed to.

    `check` gives every reason to refuse the plan, with spec paths; empty means go. `rounded` says what becomes larger
    than asked. `serves` and `guarantees` describe, for people. All four are pure. `build_by` and `access_by` are
    "module:function": build(name, plan, settings, options) -> Outputs inside a Pulumi program, and
    access(plan, resources) -> Access over a recorded graph. So is `cost_by`: cost(plan, settings, usage, prices) gives
    the lines of a month's bill, pure as well, out of the price book prices.json that lies beside it; without one what
    the target costs is unknown. `deployer_by`: deployer(plan, settings, resources) gives, as plain values, what who
    deploys that graph must be allowed to do, in the platform's own form. `way_by`: way(url, settings) holds open where
    the gateway's URL is reached from here, where that is not the URL itself. `name_limits` holds the longest name that
    the platform takes, by "type.input", such as "aws:iam/role:Role.name".
    """

    name: str
    summary: str
    settings: type[Settings]
    limits: tuple[Limit, ...]
    check: Callable[[Plan, Any], list[Problem]]
    adjustments: Callable[[Plan, Any], list[Adjustment]]
    part_mappings: Callable[[Plan, Any], list[PartMapping]]
    guarantees: Callable[[Plan, Any], list[Guarantee]]
    build_by: str
    access_by: str
    cost_by: str = ""
    packages: tuple[str, ...] = ()
    doctor_by: str = ""
    deployer_policy_by: str = ""
    current_revision_by: str = ""
    tunnel_by: str = ""
    name_limits: Mapping[str, int] = field(default_factory=dict)

    def build(self, name: str, plan: Plan, settings: Settings, options: BuildOptions) -> Outputs:
        """Makes the target's resources in the Pulumi program that is running."""
        return _function(self.build_by)(name, plan, settings, options)

    def access(self, plan: Plan, resources: Iterable[Resource]) -> Access:
        """Who may do what in that graph."""
        return _function(self.access_by)(plan, tuple(resources))

    def cost(self, plan: Plan, settings: Settings, usage: Usage, prices: Pricer) -> list[CostLine]:
        """The lines of a month's bill for a plan that check() takes; only where there is a `cost_by`."""
        return _function(self.cost_by)(plan, settings, usage, prices)

    def doctor(self, plan: Plan | None, settings: Settings | None) -> Iterable[Finding]:
        """What is there of all that it needs beside Pulumi; nothing where it does not say."""
        return _function(self.doctor_by)(plan, settings) if self.doctor_by else ()

    def deployer_policy(self, plan: Plan, settings: Settings, resources: Iterable[Resource]) -> Mapping[str, Any]:
        """What who deploys that graph must be allowed to do; only where there is a `deployer_by`."""
        return _function(self.deployer_policy_by)(plan, settings, tuple(resources))

    def current_revision(self, outputs: Outputs, settings: Settings, plan: Plan) -> Revision | None:
        """What serves now of what was deployed, its outputs in plain; None where the target cannot tell."""
        return _function(self.current_revision_by)(outputs, settings, plan) if self.current_revision_by else None

    def open_tunnel(self, url: str, settings: Settings) -> AbstractContextManager[str]:
        """Where the gateway's URL is reached from here, while it is held: the URL itself, where no `way_by` is."""
        return _function(self.tunnel_by)(url, settings) if self.tunnel_by else nullcontext(url)


def _function(reference: str) -> Callable[..., Any]:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def override_matches(override: Override, agent: str, type_: str, name: str) -> bool:
    """Whether the override means this resource."""
    return override.type == type_ and override.name in ("*", name, name.removeprefix(f"{agent}-"))
