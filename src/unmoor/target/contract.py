"""The target contract: what a target is, and what passes between it and the rest of unmoor.

A target is one `Target` value, found by an entry point in the group `unmoor.targets`. Loading it imports no SDK: what
needs one is named as "module:name" and imported at its first use.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from unmoor.errors import Problem
from unmoor.plan import Plan, Secret
from unmoor.plan.secret_version import secret_version

from .access import Access
from .description import Adjustment, Guarantee, Limit, PartMapping
from .settings import Settings
from .stand_ins import StandIns

if TYPE_CHECKING:
    from unmoor.findings import Finding
    from unmoor.graph import Resource
    from unmoor.plan.bundle import Bundle
    from unmoor.prices.price_list import PriceSources
    from unmoor.pricing.line import CostLine
    from unmoor.pricing.pricer import Pricer
    from unmoor.pricing.usage import Usage

    from .revision import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What a build needs besides the plan: the packed bundle, the image's context, and the values of secrets.

    `image_context` is the folder with the shipped Dockerfile and everything that it copies. `secret_value` returns a
    secret's value as a secret Pulumi Output; do not call it for a secret that is `existing`. `secret_version` turns
    agent, secret and value into a number that changes with the value. `deployed_paths` has, by an image's reference or
    a file's SHA-256, the local path in the state, which another machine may have written.
    """

    bundle: Bundle
    image_context: str
    secret_value: Callable[[Secret], Any]
    secret_version: Callable[[str, str, str], int] = secret_version
    deployed_paths: Mapping[str, str] = field(default_factory=dict[str, str])

    def path_of(self, content: str, path: str) -> str:
        """The path to declare for this content: that of the state, so that another machine changes nothing, else
        `path`."""
        return self.deployed_paths.get(content, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """A deployed agent's outputs, under the same names for every target; each is text or a Pulumi Output of text.

    `token` is the API's bearer token, a secret; `gateway` names the gateway's resource; `run` names the definition that
    runs are started from; `logs` tells where the logs are. `dns_target` is the name that the user's DNS record of
    network.domain must point to, empty if the target creates the record or there is no domain.
    """

    url: Any
    store_url: Any
    token: Any
    gateway: Any
    run: Any
    logs: Any
    image: Any
    bundle: Any
    dns_target: Any = ""

    def present(self) -> dict[str, Any]:
        """The outputs by name, without an empty `dns_target`."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if name != "dns_target" or value != ""}


@dataclass(frozen=True, slots=True)
class CredentialsHint:
    """How to recognize that the platform's SDK found no valid credentials (a regular expression), and the remedy."""

    pattern: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureHint:
    """How to recognize an error of the platform (a regular expression), and the remedy.

    `wait_s` is for an error that passes: `up` waits so long, once for each hint, and deploys again.
    """

    pattern: str
    remedy: str
    wait_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One platform that an agent can be deployed to.

    `check` returns every reason to reject the plan, with spec paths. `adjustments` lists the values that the platform
    changes. `part_mappings` and `guarantees` describe the deployment for people. All four are pure functions.

    Fields that end in `_by` are "module:name":
    build_by: build(name, plan, settings, options) -> Outputs, called inside a Pulumi program.
    access_by: access(plan, resources) -> Access, over a recorded graph.
    stand_ins_by: a `StandIns` value for the SDKs that are the target's own.
    cost_by: cost(plan, settings, usage, prices) -> a month's CostLines, from the prices.json in the same folder.
    price_sources_by: a `PriceSources` value: where `unmoor prices refresh` finds each price of that file.
    doctor_by: doctor(plan, settings) -> Findings about tools, credentials and reachability.
    deployer_policy_by: deployer_policy(plan, settings, resources) -> the permissions that a deployment needs.
    current_revision_by: current_revision(outputs, settings, plan) -> the revision that serves now.
    tunnel_by: tunnel(url, settings) -> a context manager with a URL that this machine can reach.

    `packages` are Pulumi packages whose plugins it needs, and `extra` is what to `pip install` for their SDKs, such as
    `unmoor[aws]`. `credentials_hint` explains failed logins, and `failure_hints` other errors; the first match counts.
    `recreated_if_never_ready` names, by type, the output that is empty until the resource has worked once: `up`
    replaces one that failed before, because its provider does not try again. `init_example` are the settings that
    `unmoor init` writes.
    `name_limits` holds the longest name that the platform accepts, by "type.input", such as "aws:iam/role:Role.name".
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
    stand_ins_by: str = ""
    cost_by: str = ""
    price_sources_by: str = ""
    doctor_by: str = ""
    deployer_policy_by: str = ""
    current_revision_by: str = ""
    tunnel_by: str = ""
    packages: tuple[str, ...] = ()
    extra: str = ""
    credentials_hint: CredentialsHint | None = None
    failure_hints: tuple[FailureHint, ...] = ()
    recreated_if_never_ready: Mapping[str, str] = field(default_factory=dict)
    init_example: Mapping[str, Any] = field(default_factory=dict)
    name_limits: Mapping[str, int] = field(default_factory=dict)

    def build(self, name: str, plan: Plan, settings: Settings, options: BuildOptions) -> Outputs:
        """Creates the target's resources in the running Pulumi program."""
        return _import(self.build_by)(name, plan, settings, options)

    def access(self, plan: Plan, resources: Iterable[Resource]) -> Access:
        """Who may do what in that graph."""
        return _import(self.access_by)(plan, tuple(resources))

    def stand_ins(self) -> StandIns:
        """The stand-ins for the target's own SDKs; none by default."""
        return _import(self.stand_ins_by) if self.stand_ins_by else StandIns()

    def cost(self, plan: Plan, settings: Settings, usage: Usage, prices: Pricer) -> list[CostLine]:
        """The lines of a month's bill for an accepted plan; call it only if `cost_by` is set."""
        return _import(self.cost_by)(plan, settings, usage, prices)

    def price_sources(self) -> PriceSources | None:
        """Where its prices are in vendors' lists; None if they are changed by hand."""
        return _import(self.price_sources_by) if self.price_sources_by else None

    def doctor(self, plan: Plan | None, settings: Settings | None) -> Iterable[Finding]:
        """The state of everything that a deployment needs besides Pulumi."""
        return _import(self.doctor_by)(plan, settings) if self.doctor_by else ()

    def deployer_policy(self, plan: Plan, settings: Settings, resources: Iterable[Resource]) -> Mapping[str, Any]:
        """The permissions that deploying this graph needs; call it only if `deployer_policy_by` is set."""
        return _import(self.deployer_policy_by)(plan, settings, tuple(resources))

    def current_revision(self, outputs: Outputs, settings: Settings, plan: Plan) -> Revision | None:
        """The revision that serves now, from the deployment's plain outputs; None if the target cannot tell."""
        return _import(self.current_revision_by)(outputs, settings, plan) if self.current_revision_by else None

    def open_tunnel(self, url: str, settings: Settings) -> AbstractContextManager[str]:
        """A URL of the gateway that this machine can reach while the context is open; the URL itself by default."""
        return _import(self.tunnel_by)(url, settings) if self.tunnel_by else nullcontext(url)


def _import(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
