"""A bundle is found by its digest, whatever more its name says."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from unmoor.plan.bundle import config_json, write_bundle
from unmoor.runtime.config import read_config
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.secret_references import secrets_by_holder
from unmoor.runtime.state.bundle import fetch_bundle
from unmoor.runtime.store import open_store
from unmoor.spec.load import load
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("ending", [".tar", "/5f0a11c2.tar"])
def test_a_bundle_is_found_with_or_without_a_draw_in_its_name(tmp_path: Path, base_spec: dict, ending: str) -> None:
    bundle = write_bundle(make_plan(Spec.model_validate(base_spec)), tmp_path / "packed")
    store = open_store((tmp_path / "store").as_uri())
    asyncio.run(store.put(f"bundles/{bundle.sha256}{ending}", bundle.path.read_bytes()))
    fetched = asyncio.run(fetch_bundle(store, bundle.sha256, tmp_path / "unpacked"))
    assert (fetched.sha256, fetched.agent.name) == (bundle.sha256, "agent")


def test_a_bundle_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    store = open_store((tmp_path / "store").as_uri())
    with pytest.raises(ConfigurationError, match=f"bundle {'ab' * 32} is not in the store; deploy again"):
        asyncio.run(fetch_bundle(store, "ab" * 32, tmp_path / "unpacked"))


@pytest.mark.parametrize("spec", sorted(EXAMPLES.glob("*/unmoor.yaml")), ids=lambda path: path.parent.name)
def test_the_bundle_names_the_secrets_of_each_part_as_the_plan_does(spec: Path) -> None:
    plan = load(spec).plan
    held = secrets_by_holder(read_config(json.dumps(config_json(plan))))
    assert held == {part: {s.name for s in plan.secrets_held_by(part)} for part in ("guard", "run", "gateway")}
