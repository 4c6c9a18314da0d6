"""What the recorder promises, tried with the real SDKs."""

from __future__ import annotations

import json
from collections.abc import Callable

import pulumi
import pulumi_aws as aws
import pulumi_random as random
import pytest

from unmoor.graph import as_json, as_sorted_text, leaf_paths, mermaid, tree
from unmoor.recording import record as recorder
from unmoor.recording.common_stand_ins import COMMON
from unmoor.recording.record import RecordError, Recording
from unmoor.target.registry import load


def record(program: Callable[[], object]) -> Recording:
    return recorder.record(program, stand_ins=COMMON | load("aws-ecs").stand_ins())


class Parent(pulumi.ComponentResource):
    def __init__(self, name: str) -> None:
        super().__init__("unmoor:test:Agent", name)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(f"{name}-role", assume_role_policy="{}", opts=child)
        password = random.RandomPassword(f"{name}-token", length=20, opts=child)
        secret = aws.secretsmanager.Secret(f"{name}-secret", description=role.arn, opts=child)
        aws.secretsmanager.SecretVersion(
            f"{name}-version", secret_id=secret.id, secret_string_wo=password.result, opts=child
        )
        aws.ecs.Service(f"{name}-service", desired_count=1, tags={"a": role.name}, opts=child)
        self.register_outputs({})


def graph() -> dict[str, dict]:
    return {r["name"]: r for r in as_json(record(lambda: Parent("x")).resources)}


def test_json_has_exactly_four_keys_and_the_parent_by_name() -> None:
    resources = graph()
    assert all(set(r) == {"type", "name", "parent", "inputs"} for r in resources.values())
    assert resources["x"]["parent"] is None
    assert resources["x-role"]["parent"] == "x"


def test_a_computed_output_flows_on_as_an_arn_where_an_arn_belongs() -> None:
    assert graph()["x-secret"]["inputs"]["description"] == "arn:aws:iam::123456789012:role/x-role"


def test_a_secret_is_hidden_in_the_graph_and_absent_from_the_plain_texts() -> None:
    recording = record(lambda: Parent("x"))
    assert {r.name: r for r in recording.resources}["x-version"].inputs["secretStringWo"] == "[secret]"
    value = recording.plain_texts
    assert not [t for t in value if len(t) == 20 and set(t) <= set("0123456789abcdef")]


def test_a_secret_inside_a_list_hides_itself_and_not_the_list() -> None:
    def program() -> None:
        origins = [pulumi.Output.secret("hidden"), "shown"]
        aws.ec2.SecurityGroup("g", description="d", tags={"a": "b"})
        aws.ecs.Service("s", network_configuration={"subnets": origins})

    service = {r.name: r for r in record(program).resources}["s"]
    assert service.inputs["networkConfiguration"]["subnets"] == ["[secret]", "shown"]


def test_whole_numbers_stay_whole() -> None:
    assert graph()["x-service"]["inputs"]["desiredCount"] == 1
    assert isinstance(graph()["x-service"]["inputs"]["desiredCount"], int)


def test_two_recordings_in_one_process_are_equal() -> None:
    assert graph() == graph()


def test_an_error_in_an_apply_surfaces_and_the_next_recording_is_untouched() -> None:
    def failing(_: str) -> str:
        raise ValueError("from inside the apply")

    def program() -> None:
        role = aws.iam.Role("r", assume_role_policy="{}")
        aws.iam.RolePolicy("p", role=role.name, policy=role.arn.apply(failing))

    with pytest.raises(ValueError, match="from inside the apply"):
        record(program)
    assert len(graph()) == 6


def test_an_output_turned_to_text_is_refused() -> None:
    def program() -> None:
        role = aws.iam.Role("r", assume_role_policy="{}")
        aws.iam.RolePolicy("p", role=role.name, policy=f"role {role.arn}")

    with pytest.raises(Exception, match="__str__ on an Output"):
        record(program)


def test_an_output_without_a_stand_in_is_refused_instead_of_sent_as_nothing() -> None:
    def program() -> None:
        role = aws.iam.Role("r", assume_role_policy="{}")
        aws.iam.RolePolicy("p", role=role.name, policy=pulumi.Output.json_dumps({"a": role.create_date}))

    message = "RolePolicy p: policy<json>.a uses createDate of aws:iam/role:Role, which has no stand-in"
    with pytest.raises(RecordError, match=message):
        record(program)


def test_an_unknown_data_source_is_named() -> None:
    def program() -> None:
        aws.ec2.get_eips_output()

    with pytest.raises(Exception, match="no stand-in for the data source aws:ec2/getEips:getEips"):
        record(program)


def test_a_stack_transform_runs_and_its_change_is_marked() -> None:
    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != "aws:ecs/service:Service":
            return None
        return pulumi.ResourceTransformResult(props={**args.props, "desiredCount": 3}, opts=args.opts)

    def program() -> None:
        pulumi.runtime.register_resource_transform(transform)
        Parent("x")

    service = {r.name: r for r in record(program).resources}["x-service"]
    assert service.inputs["desiredCount"] == 3
    assert service.overridden == ("desiredCount",)


def test_exports_are_recorded_with_secrets_hidden() -> None:
    def program() -> None:
        pulumi.export("url", pulumi.Output.concat("https://", "x"))
        pulumi.export("token", pulumi.Output.secret("t"))

    assert record(program).outputs == {"token": "[secret]", "url": "https://x"}


def test_an_asset_is_told_by_its_content_and_not_by_its_path(tmp_path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("same")
    second.write_text("same")

    def inputs(path) -> str:
        recording = record(lambda: aws.s3.BucketObjectv2("o", bucket="b", source=pulumi.FileAsset(str(path))))
        return json.dumps(as_json(recording.resources))

    assert inputs(first) == inputs(second)
    assert str(tmp_path) not in inputs(first)


def test_golden_opens_json_documents() -> None:
    text = as_sorted_text(record(lambda: aws.iam.RolePolicy("p", role="r", policy='{"a": [1]}')).resources)
    assert text == 'aws:iam/rolePolicy:RolePolicy p <- -\n    policy<json>.a[0] = 1\n    role = "r"\n'


def test_tree_counts_kinds_and_mermaid_draws_references() -> None:
    resources = record(lambda: Parent("x")).resources
    assert "5 resources: 1 Service" in tree(resources)
    assert "-->" in mermaid(resources)


def test_leaves_of_empty_containers_are_kept() -> None:
    assert dict(leaf_paths({"a": [], "b": {}})) == {"a": "[]", "b": "{}"}
