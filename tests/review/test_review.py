"""What a change of a spec would change, as one comment."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from unmoor.deploy.engine_events import PropertyDiff, ResourceStep
from unmoor.deploy.preview import changes_of
from unmoor.pricing.usage import Usage
from unmoor.review.markdown import LONGEST, comment, difference, markdown
from unmoor.review.review import Review, build_review, load_base_spec
from unmoor.spec.load import load

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "01-hello"
USAGE = Usage().with_overrides({"runs": Decimal(200), "minutes": Decimal(20)}, "here")
TODAY = date(2026, 11, 25)


@pytest.fixture
def review(tmp_path: Path) -> Callable[..., Review]:
    """The review of the first example with another text at one place."""

    def made(old: str, new: str, targets: tuple[str, ...], previews: dict | None = None) -> Review:
        folder = tmp_path / "after"
        shutil.copytree(EXAMPLE, folder)
        text = (folder / "unmoor.yaml").read_text()
        assert old in text
        (folder / "unmoor.yaml").write_text(text.replace(old, new))
        return build_review(
            load(folder), load_base_spec(EXAMPLE, None), targets, previews or {}, usage=USAGE, today=TODAY
        )

    return made


def test_a_larger_run_costs_more_and_the_comment_says_how_much(review: Callable[..., Review]) -> None:
    found = review("run:\n", "resources: {cpu: 4, memory: 8Gi}\nrun:\n", ("aws-ecs",))
    [target] = found.targets
    assert target.before is not None
    assert target.after is not None
    more = target.after.total().known - target.before.total().known
    assert more > 0
    assert difference(target) == f"+${more:.2f} ({more / target.before.total().known:+.0%})"
    text = markdown(found)
    assert text.startswith("<!-- unmoor review: hello default -->\n## hello in default\n")
    assert (
        f"| aws-ecs | ${target.before.total().known:.2f} | ${target.after.total().known:.2f} | {difference(target)} |"
        in text
    )
    assert "For 200 runs a month of 20 minutes, at list prices" in text


def test_the_same_spec_changes_no_money_and_no_promise(review: Callable[..., Review]) -> None:
    found = review("hello", "hello", ("aws-ecs", "vm-docker"))
    assert [difference(t) for t in found.targets] == ["none", "none"]
    assert [t.guarantees for t in found.targets] == [(), ()]


def test_a_promise_that_changes_is_shown_before_and_after(review: Callable[..., Review]) -> None:
    found = review("run:\n", "run:\n  isolation: process\n", ("vm-docker",))
    changed = {p.topic for p in found.targets[0].guarantees}
    assert changed
    assert all(p.before != p.after for p in found.targets[0].guarantees)
    assert "| promise | before | after |" in markdown(found)


def test_a_refusal_is_said_in_place_of_changes(review: Callable[..., Review]) -> None:
    found = review("run:\n", "resources: {arch: arm64}\nrun:\n", ("gcp-cloud-run",))
    text = markdown(found)
    assert "### gcp-cloud-run: refused" in text
    assert "| gcp-cloud-run | " in text
    assert "| refused | - |" in text


def test_a_preview_is_shown_and_a_failed_one_says_why(review: Callable[..., Review]) -> None:
    step = ResourceStep(
        op="update",
        phase="planned",
        type="docker:index/container:Container",
        name="hello-guard",
        changed=(PropertyDiff(path="cpus", before="1", after="2"),),
    )
    previews = {"vm-docker": changes_of("hello", [step], []), "aws-ecs": "no credentials"}
    text = markdown(review("hello", "hello", ("vm-docker", "aws-ecs"), previews))
    assert "### vm-docker: 1 to update" in text
    assert "| guard | ~ Container hello-guard updated: cpus |" in text
    assert "### aws-ecs: not previewed\n\nno credentials" in text


def test_an_agent_that_is_new_has_no_before(tmp_path: Path) -> None:
    assert load_base_spec(tmp_path / "nothing", None) is None
    found = build_review(load(EXAMPLE), None, ["aws-ecs"], {}, usage=USAGE, today=TODAY)
    assert difference(found.targets[0]) == "-"


def test_a_comment_is_never_longer_than_it_may_be(review: Callable[..., Review]) -> None:
    found = review("hello", "hello", ("vm-docker",))
    long = replace(found, targets=(replace(found.targets[0], preview_error="x" * 100_000),))
    assert len(comment(long)) == LONGEST
    assert comment(long).endswith("The job's summary has all of it.*")
