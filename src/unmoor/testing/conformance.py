"""The suite that every target passes, a stranger's too: inherit it, name the target, and run pytest.

    from unmoor.testing.conformance import TargetConformance

    class TestMyTarget(TargetConformance):
        target = "my-target"
        specs = ("examples/one", "examples/two")

Settings come from the specs' own `targets` section; `settings` adds to them where a spec cannot know them. Turning
every knob of every spec takes its time; `knob_specs` names those few whose knobs are turned, the fullest ones best.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from unmoor.errors import RefusedError, UnmoorError
from unmoor.graph import Resource, as_json
from unmoor.plan import Plan
from unmoor.plan.bundle import pack
from unmoor.recording.access_rules import access_breaches, descends_from_one, machine_paths, no_plain_secret, unique
from unmoor.recording.of_target import record_target, stand_in
from unmoor.recording.record import Recording
from unmoor.spec.load import load
from unmoor.target import PARTS, Settings, Target
from unmoor.target.registry import load as load_target
from unmoor.testing.knobs import Mutation, mutations

SDKS = ("pulumi", "pulumi_aws", "pulumi_azure_native", "pulumi_gcp", "pulumi_docker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A spec's plan with one target and its settings."""

    target: Target
    plan: Plan
    settings: Settings

    def with_plan(self, plan: Plan) -> Case:
        return replace(self, plan=plan)


class TargetConformance:
    """The promises of every target; each test runs for every spec."""

    target: ClassVar[str]
    specs: ClassVar[Sequence[str | Path]]
    knob_specs: ClassVar[Sequence[str | Path]] = ()
    environment: ClassVar[str | None] = None
    settings: ClassVar[Mapping[str, Any]] = {}

    def pytest_generate_tests(self, metafunc: Any) -> None:
        if "spec" in metafunc.fixturenames:
            turned = metafunc.function.__name__ == "test_every_knob_moves_something"
            specs = self.knob_specs if turned and self.knob_specs else self.specs
            metafunc.parametrize("spec", specs, ids=[Path(s).name for s in specs])

    def case(self, spec: str | Path) -> Case:
        """The spec's plan, this target, and its settings with `settings` added."""
        loaded = load(spec, self.environment)
        target = load_target(self.target)
        settings = target.settings.model_validate({**dict(loaded.settings.get(self.target, {})), **self.settings})
        return Case(target=target, plan=loaded.plan, settings=settings)

    def require_accepted(self, spec: str | Path) -> Case:
        case = self.case(spec)
        _expect_none(case.target.check(case.plan, case.settings))
        return case

    def test_the_same_plan_gives_the_same_graph(self, spec: str | Path) -> None:
        case = self.require_accepted(spec)
        first, second = (record_target(case.target, case.plan, case.settings) for _ in range(2))
        assert _text(first.resources) == _text(second.resources), "two recordings of one plan differ"

    def test_every_knob_moves_something(self, spec: str | Path) -> None:
        case = self.require_accepted(spec)
        before, bundle = _effect(case), pack(case.plan)
        # Turned, and neither the build, a refusal nor the bundle followed.
        still = [k.path for k in mutations(case.plan) if not _moves(case, k, before, bundle)]
        _expect_none(still)

    def test_every_resource_descends_from_the_one_component(self, spec: str | Path) -> None:
        resources = _graph(self.require_accepted(spec))
        _expect_none([*descends_from_one(resources), *unique(resources)])

    def test_no_secret_is_sent_in_plain(self, spec: str | Path) -> None:
        case = self.require_accepted(spec)
        recording = _record(case)
        values = [stand_in(s) for s in case.plan.secrets if s.source not in ("existing", "generated")]
        _expect_none(list(no_plain_secret(recording.plain_texts, values)))

    def test_outputs_are_complete(self, spec: str | Path) -> None:
        case = self.require_accepted(spec)
        outputs = _record(case).outputs
        named = {"bundle", "gateway", "image", "logs", "run", "store_url", "token", "url"}
        assert {name for name, value in outputs.items() if isinstance(value, str) and value} == named

    def test_names_keep_the_limits_of_the_platform(self, spec: str | Path) -> None:
        case = self.require_accepted(spec)
        longest = replace(case.plan, agent="a" + "b" * 31, environment="e" + "f" * 31)
        names = [
            (f"{r.type}.{key}", value)
            for r in _graph(case.with_plan(longest))
            for key, value in r.inputs.items()
            if f"{r.type}.{key}" in case.target.name_limits
        ]
        assert names or not case.target.name_limits
        _expect_none([(where, n) for where, n in names if len(str(n)) > case.target.name_limits[where]])

    def test_two_agents_and_two_environments_share_no_name(self, spec: str | Path) -> None:
        case = self.require_accepted(spec)
        one = _graph(case)
        for other in (replace(case.plan, agent="other-agent"), replace(case.plan, environment="other")):
            _expect_none(list(_collisions(case, one, _graph(case.with_plan(other)))))

    def test_no_folder_of_this_machine_is_named(self, spec: str | Path) -> None:
        case = self.require_accepted(spec)
        home = str(Path.home())
        folders = [str(Path(spec).absolute()), *([f"{home}/"] if len(home) > 1 else [])]
        _expect_none(list(machine_paths(_graph(case), folders)))

    def test_access_is_what_the_contract_allows(self, spec: str | Path) -> None:
        case = self.require_accepted(spec)
        _expect_none(access_breaches(case.plan, case.target.access(case.plan, _graph(case))))

    def test_every_part_is_served_by_what_is_there(self, spec: str | Path) -> None:
        case = self.require_accepted(spec)
        types = {r.type for r in _graph(case)}
        served = case.target.part_mappings(case.plan, case.settings)
        assert [s.part for s in served] == list(PARTS)
        _expect_none([(s.part, t) for s in served for t in s.types if t not in types])

    def test_refusals_carry_the_spec_path(self, spec: str | Path) -> None:
        case = self.case(spec)
        parts = {"triggers", "run", "resources", "gateway", "network", "retention", "secrets", "image", "targets"}
        for knob in mutations(case.plan):
            for problem in case.target.check(knob.turned, case.settings):
                assert problem.path.split(".")[0].split("[")[0] in parts
                assert problem.rule
                assert problem.remedy

    def test_importing_the_target_imports_no_sdk(self) -> None:
        code = f"import sys; from unmoor.target.registry import load; load({self.target!r}); print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert set(done.stdout.split()) & set(SDKS) == set()


def _expect_none(found: Iterable[object]) -> None:
    """Fail with one line for each item; pytest does not rewrite asserts in shipped modules."""
    lines = [str(f) for f in found]
    if lines:
        raise AssertionError("\n".join(lines))


def _graph(case: Case) -> tuple[Resource, ...]:
    return _record(case).resources


def _record(case: Case) -> Recording:
    return _record_target(case.target.name, case.plan, case.settings.model_dump_json())


@functools.lru_cache(maxsize=8)
def _record_target(target: str, plan: Plan, settings: str) -> Recording:
    found = load_target(target)
    return record_target(found, plan, found.settings.model_validate_json(settings))


def _text(resources: Sequence[Resource]) -> str:
    return json.dumps(as_json(resources), sort_keys=True)


def _effect(case: Case) -> tuple[str, ...]:
    """Everything visible of a build except the bundle's digest; for a rejected plan, the problems."""
    problems = [str(p) for p in case.target.check(case.plan, case.settings)]
    if problems:
        return tuple(problems)
    try:
        recording = _record(case)
    except RefusedError as error:
        return (str(error),)
    text = _text(recording.resources).replace(str(recording.outputs["bundle"]), "[bundle]")
    rounded = [str(r) for r in case.target.adjustments(case.plan, case.settings)]
    outputs = {k: v for k, v in recording.outputs.items() if k != "bundle"}
    return (_without_hashes(text), json.dumps(outputs, sort_keys=True), *rounded)


def _without_hashes(text: str) -> str:
    return re.sub(r'"hash": "[0-9a-f]{64}"', '"hash": ""', text)


def _moves(case: Case, knob: Mutation, before: tuple[str, ...], bundle: bytes) -> bool:
    follows_bundle = not knob.bundled or _pack(knob.turned) != bundle
    return follows_bundle and (not _must_build(case, knob) or _effect(case.with_plan(knob.turned)) != before)


def _must_build(case: Case, knob: Mutation) -> bool:
    """A schedule that the gateway fires needs no resource: the gateway reads it from the bundle."""
    by_gateway = [
        s for s in case.target.part_mappings(case.plan, case.settings) if s.part == "schedules" and not s.types
    ]
    return knob.built and not (by_gateway and knob.path.startswith("schedules["))


def _pack(plan: Plan) -> bytes:
    """The bundle, or the error: a file with a changed digest cannot be packed."""
    try:
        return pack(plan)
    except UnmoorError as error:
        return str(error).encode()


def _collisions(case: Case, one: Sequence[Resource], other: Sequence[Resource]) -> Iterator[str]:
    """Resources of one type with the same name in the same place."""
    known = {(r.type, key, value): r for r in one for key, value in _names(case, r)}
    for resource in other:
        for key, value in _names(case, resource):
            twin = known.get((resource.type, key, value))
            if twin is not None and _place(twin) == _place(resource):
                yield f"{resource.type}: {key} is {value} for both"


def _names(case: Case, resource: Resource) -> Iterator[tuple[str, str]]:
    for key, value in resource.inputs.items():
        if f"{resource.type}.{key}" in case.target.name_limits:
            yield key, str(value)


def _place(resource: Resource) -> dict[str, Any]:
    """The inputs that place a resource: all but descriptive ones."""
    words = ("tags", "labels", "description", "comment", "annotations", "displayName")
    return {k: v for k, v in resource.inputs.items() if k not in words}
