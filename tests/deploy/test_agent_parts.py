"""Every resource that an example makes belongs to a part of the agent, by the name that its target gave it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from unmoor.deploy.agent_parts import OTHER, holds_data, part_of, spec_path
from unmoor.spec.load import load
from unmoor.target import PARTS
from unmoor.target.choose import select_target

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.txt"))
# What serves the whole agent: the platform's services that are switched on, and what its names are made of.
WHOLE = {"Service", "RandomId", "ResourceGroup", "RoleDefinition"}


def named(golden: Path):
    """The agent, what serves its parts, and (type, name) of each of its resources."""
    example, target = golden.stem.split(".")
    loaded = load(ROOT / "examples" / example)
    chosen = select_target(loaded, target)
    found = re.findall(r"^(\S+:\S+) (\S+) <- ", golden.read_text(), flags=re.M)
    real = [(t, n) for t, n in found if not t.startswith(("pulumi:", "unmoor:"))]
    return loaded.plan.agent, chosen.target.part_mappings(loaded.plan, chosen.settings), real


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda p: p.stem)
def test_every_resource_belongs_to_a_part(golden: Path) -> None:
    agent, serving, resources = named(golden)
    parts = {(t.rsplit(":", 1)[-1], n): part_of(agent, t, n, serving) for t, n in resources}
    assert set(parts.values()) <= {*PARTS, OTHER}
    assert {kind for (kind, _), part in parts.items() if part == OTHER} <= WHOLE


@pytest.mark.parametrize("golden", [g for g in GOLDEN if g.stem.startswith("01")], ids=lambda p: p.stem)
def test_the_store_and_nothing_else_holds_data(golden: Path) -> None:
    agent, serving, resources = named(golden)
    holding = {t.rsplit(":", 1)[-1] for t, n in resources if holds_data(agent, t, n, serving)}
    assert len(holding) == 1
    assert holding <= {"Bucket", "BlobContainer", "Volume"}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a-secret-hook", "secrets.hook"),
        ("a-schedule-nightly", "triggers[nightly].schedule"),
        ("a-domain", "network.domain"),
        ("a-gateway-0", "gateway"),
        ("a-run", "resources"),
        ("a-store-runs", "retention.runs"),
        ("a", "targets"),
    ],
)
def test_a_resource_leads_back_to_the_spec(name: str, path: str) -> None:
    assert spec_path("a", "x:y:Z", name, []) == path
