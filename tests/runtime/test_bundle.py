"""A bundle is found by its digest, whatever more its name says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from unmoor.plan.bundle import write_bundle
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.state.bundle import fetch_bundle
from unmoor.runtime.store import open_store
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec


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
