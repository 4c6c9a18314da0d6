"""A bundle is found by its digest, whatever more its name says."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from unmoor.plan.bundle import config_json, write_bundle
from unmoor.runtime.backoff import Backoff
from unmoor.runtime.config import read_config
from unmoor.runtime.errors import ConfigurationError, TransientError
from unmoor.runtime.patience import retry_at_start
from unmoor.runtime.secret_references import secrets_by_holder
from unmoor.runtime.state.bundle import fetch_bundle
from unmoor.runtime.store import Store, open_store
from unmoor.runtime.store.protocol import StoredObject
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


class Withheld:
    """A store that answers 403 until a grant is in force, after so many requests."""

    def __init__(self, inner: Store, refusals: int) -> None:
        self.inner, self.refusals = inner, refusals

    async def get(self, key: str) -> StoredObject | None:
        if self.refusals > 0:
            self.refusals -= 1
            raise TransientError(f"store: {key}: 403 Forbidden")
        return await self.inner.get(key)


@dataclass
class Ticking:
    """A clock that each look moves on."""

    step_s: float
    now_s: float = 0.0

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


def fetched_patiently(tmp_path: Path, spec: dict, *, refusals: int, step_s: float = 1.0, stopped: bool = False):
    """The agent's name, and the lines that were logged."""
    bundle = write_bundle(make_plan(Spec.model_validate(spec)), tmp_path / "packed")
    inner = open_store((tmp_path / "store").as_uri())
    asyncio.run(inner.put(f"bundles/{bundle.sha256}.tar", bundle.path.read_bytes()))
    lines: list[str] = []

    async def fetch() -> str:
        stop = asyncio.Event()
        if stopped:
            stop.set()
        store = cast(Store, Withheld(inner, refusals))
        found = await retry_at_start(
            lambda: fetch_bundle(store, bundle.sha256, tmp_path / "unpacked"),
            "fetching the bundle",
            stop=stop,
            log=lambda message, **fields: lines.append(f"{message}: {fields['error']}"),
            backoff=Backoff(first_s=0),
            clock=Ticking(step_s),
        )
        return found.agent.name

    return asyncio.run(fetch()), lines


def test_a_grant_that_is_not_in_force_yet_is_waited_for(tmp_path: Path, base_spec: dict) -> None:
    name, lines = fetched_patiently(tmp_path, base_spec, refusals=5)
    assert name == "agent"
    assert len(lines) == 5
    assert lines[0].startswith("fetching the bundle failed and is retried: store: bundles/")


def test_after_ninety_seconds_the_stores_own_words_end_it(tmp_path: Path, base_spec: dict) -> None:
    with pytest.raises(TransientError, match="403 Forbidden"):
        fetched_patiently(tmp_path, base_spec, refusals=5, step_s=31.0)


def test_a_stop_signal_ends_the_wait(tmp_path: Path, base_spec: dict) -> None:
    with pytest.raises(TransientError, match="403 Forbidden"):
        fetched_patiently(tmp_path, base_spec, refusals=1, stopped=True)


@pytest.mark.parametrize("spec", sorted(EXAMPLES.glob("*/unmoor.yaml")), ids=lambda path: path.parent.name)
def test_the_bundle_names_the_secrets_of_each_part_as_the_plan_does(spec: Path) -> None:
    plan = load(spec).plan
    held = secrets_by_holder(read_config(json.dumps(config_json(plan))))
    assert held == {part: {s.name for s in plan.secrets_held_by(part)} for part in ("guard", "run", "gateway")}
