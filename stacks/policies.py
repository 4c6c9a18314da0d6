"""The rules of unmoor.recording.access_rules as a policy pack, which the engine runs over a program's resources.

A pack binds a port when it is created, so only stacks/policy/__main__.py creates it. The inputs come from the
resource policies, because stack policies see outputs instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from unmoor.graph import Resource
from unmoor.recording.access_rules import access_breaches, descends_from_one, unique
from unmoor.spec.load import DEFAULT_ENVIRONMENT, load
from unmoor.target.choose import select_target

# The pack's folder, for `--policy-pack`.
PACK = Path(__file__).resolve().parent / "policy"
NOT_OURS = ("pulumi:pulumi:Stack", "pulumi:pulumi:StackReference")
# Packages whose resources have no location.
NOWHERE = ("command", "docker-build", "pulumi", "random", "unmoor")
NOT_CONFIGURED = "unmoor:spec and unmoor:target are not set in the stack's config"
UNKNOWN = "an input is unknown until the resources that it depends on exist"


def start() -> None:
    """Serve the pack to the engine until it stops."""
    PolicyPack(name="unmoor", policies=list(policies()), enforcement_level=EnforcementLevel.MANDATORY)


def policies() -> tuple[ResourceValidationPolicy | StackValidationPolicy, ...]:
    """Every rule as a policy; they share one ObservedStack."""
    seen = ObservedStack()
    return (
        ResourceValidationPolicy(
            name="named-provider",
            description="Every resource with a location uses an explicit provider, never a default one.",
            validate=seen.check_provider,
        ),
        StackValidationPolicy(
            name="one-component",
            description="Every resource descends from the one component, and no two of a type share a name.",
            validate=seen.check_component,
        ),
        StackValidationPolicy(
            name="least-privilege",
            description="Each part can read, access and start only what the agent's spec gives it.",
            validate=seen.check_least_privilege,
            # It depends on the clouds' naming, unlike the others, so it only advises.
            enforcement_level=EnforcementLevel.ADVISORY,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownInputs:
    """A resource's inputs, and whether all of them are known."""

    inputs: Mapping[str, Any]
    complete: bool


@dataclass(frozen=True, slots=True)
class ObservedStack:
    """The inputs of each resource that the engine has reported, by URN."""

    inputs: dict[str, KnownInputs] = field(default_factory=dict)

    def check_provider(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        """Record the resource's inputs for the stack policies, and report a default provider."""
        self.inputs[args.urn] = known_inputs(args.props)
        package = args.resource_type.split(":")[0]
        if args.provider and args.provider.name.startswith("default") and package not in NOWHERE:
            report(f"{args.resource_type} {args.name} uses the default provider of {package}", None)

    def check_component(self, args: StackValidationArgs, report: ReportViolation) -> None:
        resources = self.resources(args.resources)
        _report([*descends_from_one(resources), *unique(resources)], report)

    def check_least_privilege(self, args: StackValidationArgs, report: ReportViolation) -> None:
        config = pulumi.Config("unmoor")
        spec, target = config.get("spec"), config.get("target")
        if not spec or not target:
            args.not_applicable(NOT_CONFIGURED)
            return
        if not all(self.inputs_of(r).complete for r in args.resources):
            args.not_applicable(UNKNOWN)
            return
        environment = config.get("env") or pulumi.get_stack()
        loaded = load(Path(spec), None if environment == DEFAULT_ENVIRONMENT else environment)
        chosen = select_target(loaded, target)
        access = chosen.target.access(loaded.plan, self.resources(args.resources))
        _report(access_breaches(loaded.plan, access), report)

    def resources(self, shown: Iterable[PolicyResource]) -> tuple[Resource, ...]:
        """The stack's resources as a graph."""
        ours = [r for r in shown if r.resource_type not in NOT_OURS and not _default_provider(r)]
        return tuple(sorted((self._resource(r) for r in ours), key=lambda r: r.key))

    def inputs_of(self, resource: PolicyResource) -> KnownInputs:
        return self.inputs.get(resource.urn) or known_inputs(resource.props)

    def _resource(self, shown: PolicyResource) -> Resource:
        parent = shown.parent if shown.parent and shown.parent.resource_type not in NOT_OURS else None
        needed = [*shown.dependencies, *(r for listed in shown.property_dependencies.values() for r in listed)]
        return Resource(
            type=shown.resource_type,
            name=shown.name,
            parent=parent.name if parent else None,
            inputs=self.inputs_of(shown).inputs,
            depends_on=tuple(sorted({(r.resource_type, r.name) for r in needed})),
        )


def known_inputs(props: Mapping[str, Any]) -> KnownInputs:
    """The inputs without the values that a preview cannot know."""
    unknown: list[str] = []
    return KnownInputs(inputs=_plain(props, unknown), complete=not unknown)


def _plain(value: Any, unknown: list[str]) -> Any:
    """A plain value from pulumi_policy's proxies; an unknown value is None."""
    if isinstance(value, Mapping):
        return {key: _member(value, key, unknown) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_member(value, i, unknown) for i in range(len(value))]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _member(holder: Any, key: Any, unknown: list[str]) -> Any:
    try:
        return _plain(holder[key], unknown)
    except UnknownValueError as error:
        unknown.append(error.message)
        return None


def _default_provider(resource: PolicyResource) -> bool:
    return resource.resource_type.startswith("pulumi:providers:") and resource.name.startswith("default")


def _report(breaches: Iterable[str], report: ReportViolation) -> None:
    for breach in breaches:
        report(breach, None)
