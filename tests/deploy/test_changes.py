"""A preview in the words of who owns the agent."""

from __future__ import annotations

import pytest

from unmoor.deploy.engine_events import Op, PropertyDiff, ResourceStep
from unmoor.deploy.preview import Changes, changes_of
from unmoor.deploy.text import as_json, diff_lines, drift_lines, lines, markdown, summary
from unmoor.target import PartMapping

SERVING = [PartMapping(part="store", by="volumes", types=("d:index:Volume",))]


def step(op: Op, name: str, kind: str = "Container", **more: object) -> ResourceStep:
    return ResourceStep(op=op, phase="planned", type=f"d:index:{kind}", name=f"a-{name}", **more)


def changes(*steps: ResourceStep) -> Changes:
    return changes_of("a", steps, SERVING)


def test_nothing_changes() -> None:
    found = changes(step("same", "gateway-0"), step("read", "image"))
    assert (summary(found), list(lines(found)), found.same) == ("no changes", [], 1)


def test_what_is_made_is_counted_and_what_changes_is_named() -> None:
    cpu = PropertyDiff(path="cpus", before="0.25", after="0.5")
    found = changes(
        step("create", "gateway-1"),
        step("create", "gateway-0"),
        step("update", "guard", changed=(cpu,)),
        step("replace", "launcher", diff_paths=("envs", "image", "labels", "mounts", "ports")),
        step("delete", "proxy", "Network"),
    )
    assert summary(found) == "2 to create, 1 to update, 1 to replace, 1 to delete"
    assert list(lines(found)) == [
        "  gateway:    + 2 Container created",
        "              - Network deleted",
        "  run:        ± Container a-launcher replaced: envs, image, labels, mounts and 1 more",
        "  guard:      ~ Container a-guard updated: cpus",
    ]


def test_a_replacement_is_one_change_however_it_is_told() -> None:
    halves = [step("create-replacement", "guard"), step("delete-replaced", "guard")]
    assert summary(changes(*halves)) == summary(changes(*halves, step("replace", "guard"))) == "1 to replace"


def test_data_that_is_deleted_is_a_loss_and_data_that_is_retained_is_left_behind() -> None:
    lost = changes(step("delete", "store-runs", "Volume"))
    assert [str(r) for r in lost.data_losses] == ["Volume a-store-runs is deleted with its data"]
    left = changes(step("replace", "store-runs", "Volume"), step("keep", "store-runs", "Volume", retained=True))
    assert left.data_losses == ()
    assert list(lines(left))[-1] == (
        "  data left behind: Volume a-store-runs is replaced by an empty one; the data stays in the old one"
    )


def test_data_that_is_kept_says_what_its_cloud_calls_it_until_it_is_given_up() -> None:
    kept = changes(step("keep", "store-runs", "Volume", id="v-1", retained=True))
    assert list(lines(kept)) == ["  data retained: Volume a-store-runs (v-1)"]
    given_up = kept.including_data_loss()
    assert summary(given_up) == "1 to delete"
    assert [r.deletes_data for r in given_up.risks] == [True]


def test_a_diff_shows_both_values_and_cuts_what_is_long() -> None:
    long = PropertyDiff(path="a.b", before=None, after="x" * 500)
    [head, line] = diff_lines(changes(step("update", "guard", changed=(long,))))
    assert head == "  ~ d:index:Container a-guard"
    assert line.startswith("      a.b: absent -> ")
    assert line.endswith("x...")
    assert len(line) < 200


def test_json_and_markdown_say_the_same() -> None:
    found = changes(step("update", "guard", changed=(PropertyDiff(path="p|q", before=1, after=2),)))
    assert as_json("t", found)["changes"] == [
        {
            "part": "guard",
            "op": "update",
            "type": "d:index:Container",
            "name": "a-guard",
            "because": [],
            "changed": [{"path": "p|q", "before": 1, "after": 2}],
        }
    ]
    text = markdown("a in prod on t", found)
    assert text.startswith("### a in prod on t: 1 to update\n")
    assert "| guard | ~ Container a-guard updated: p\\|q |" in text
    assert "p|q: 1 -> 2" in text


@pytest.mark.parametrize(("op", "said"), [("delete", "is gone"), ("update", "differs")])
def test_drift_says_what_is_gone_and_what_differs(op: Op, said: str) -> None:
    step_ = ResourceStep(op=op, phase="done", type="d:index:Container", name="a-guard")
    found = changes_of("a", [ResourceStep(op=op, phase="started", type=step_.type, name=step_.name)], SERVING)
    assert list(drift_lines("t", found)) == [
        "t: 1 of its resources have drifted; unmoor up restores them",
        f"  guard:      Container a-guard {said}",
    ]
