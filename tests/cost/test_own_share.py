"""What of a bill is unmoor's own, against the same compute bare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from books import BASE, D, lines_of
from test_calculators import HUNDRED, MODEL, SETTINGS, TARGETS
from test_compare_command import TRIAGE, columns, unmoor

from unmoor.cost.own_share import OwnShare, own_share
from unmoor.cost.text import share_text
from unmoor.pricing.line import Total, total
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec


def share_of(target: str, *, settings: dict[str, Any] | None = None, **changes: Any) -> OwnShare | None:
    free_tier = changes.pop("free_tier", False)
    plan = make_plan(Spec.model_validate({**BASE, **changes}), "prod")
    lines = lines_of(target, {**SETTINGS[target], **(settings or {})}, HUNDRED, free_tier=free_tier, **changes)
    found = own_share(plan, HUNDRED, lines)
    if found is not None:
        run = total(line for line in lines if line.part == "run" and "disk" not in line.what)
        address = total(line for line in lines if line.part == "run" and "address" in line.what)
        guard = total(line for line in lines if line.part == "guard")
        assert found.bare.known + found.guard.known == run.known - address.known + guard.known
    return found


def test_beside_a_run_on_fargate_by_hand() -> None:
    """Bare, 16.667 h of 1 vCPU and 2 GiB: 16.667 x (0.04048 + 2 x 0.004445) = 0.822833. The guard is 1 GiB more:
    16.667 x 0.004445 = 0.074083. Gateway 13.361025 and store 0.062876 as in their own case."""
    share = share_of("aws-ecs")
    assert share is not None
    assert round(share.bare.known, 6) == D("0.822833")
    assert [round(part.known, 6) for _, part in share.parts()] == [D("0.074083"), D("13.361025"), D("0.062876")]
    assert share_text(share) == "$13.50, 1640% of $0.82 bare\nguard $0.07, gateway $13.36, store $0.06"


def test_a_guard_that_is_a_service_counts_whole() -> None:
    """Bare, 60,000 s of 1 vCPU and 2 GiB as a job: 1.32. The guard as in its own case: 0.246775."""
    share = share_of("gcp-cloud-run", **MODEL)
    assert share is not None
    assert (round(share.bare.known, 5), round(share.guard.known, 5)) == (D("1.32"), D("0.24678"))


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "vm-docker"])
def test_a_free_tier_covers_a_run_and_its_guard_alike(target: str) -> None:
    free, paid = share_of(target, free_tier=True), share_of(target)
    assert free is not None
    assert paid is not None
    assert 0 <= free.bare.known <= paid.bare.known
    assert 0 <= free.guard.known <= paid.guard.known


def test_what_is_billed_as_a_machine_has_no_share() -> None:
    assert share_of("vm-docker") is None
    assert share_of("azure-container-apps", settings={"workload_profile": {"type": "D4"}}) is None
    assert all(share_of(name, run={"isolation": "process"}) is None for name in TARGETS)
    assert share_text(None) == "-"


def test_a_share_with_an_unknown_price_is_at_least_what_is_known() -> None:
    part = Total(known=D(1))
    share = OwnShare(bare=part, guard=part, gateway=Total(known=D(1), missing=("no price",)), store=part)
    assert share_text(share) == "at least $3.00\nguard $1.00, gateway at least $1.00, store $1.00"


@pytest.mark.slow
def test_the_share_is_a_line_of_its_own_in_table_json_and_page(tmp_path: Path) -> None:
    wanted = ("--runs", "300", "--minutes", "60", "--no-free-tier", "-t", "aws-ecs", "-t", "vm-docker")
    found = columns(TRIAGE, *wanted)
    share = found["aws-ecs"]["cost"]["own_share"]
    assert set(share) == {"bare", "total", "guard", "gateway", "store", "whole"}
    assert float(share["total"]) == pytest.approx(sum(float(share[name]) for name in ("guard", "gateway", "store")))
    assert float(share["bare"]) == pytest.approx(302.5 * 0.04937)
    assert found["vm-docker"]["cost"]["own_share"] is None
    file = tmp_path / "page.html"
    done = unmoor("compare", TRIAGE, *wanted, "--markdown", "--html", str(file))
    [line] = [line for line in done.stdout.splitlines() if line.startswith("| unmoor's own share |")]
    assert "of $14.93 bare<br>guard $" in line
    assert line.endswith("| - |")
    text = file.read_text()
    assert "unmoor&#x27;s own share</th>" in text
    assert "of $14.93 bare" in text
