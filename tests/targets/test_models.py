"""What the published models say of our inputs: botocore's shapes for AWS, and the SDKs' own argument classes for all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from unmoor.graph import Resource
from unmoor.recording.compile import compile_graph
from unmoor.recording.stand_ins import input_names
from unmoor.spec.load import load
from unmoor.target.choose import select_target
from unmoor.target.registry import names

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(p.name for p in (ROOT / "examples").iterdir() if p.is_dir())
# Resource inputs that are a member of an API's request: (service, operation, {input: member}).
REQUESTS = {
    "aws:ecs/cluster:Cluster": ("ecs", "CreateCluster", {"name": "clusterName"}),
    "aws:ecs/taskDefinition:TaskDefinition": ("ecs", "RegisterTaskDefinition", {"family": "family", "cpu": "cpu"}),
    "aws:iam/role:Role": ("iam", "CreateRole", {"name": "RoleName", "description": "Description"}),
    "aws:scheduler/schedule:Schedule": (
        "scheduler",
        "CreateSchedule",
        {
            "name": "Name",
            "groupName": "GroupName",
            "scheduleExpression": "ScheduleExpression",
            "description": "Description",
        },
    ),
    "aws:secretsmanager/secret:Secret": (
        "secretsmanager",
        "CreateSecret",
        {"name": "Name", "description": "Description"},
    ),
    "aws:cloudwatch/logGroup:LogGroup": ("logs", "CreateLogGroup", {"name": "logGroupName"}),
    "aws:ecr/repository:Repository": ("ecr", "CreateRepository", {"name": "repositoryName"}),
}


@cache
def graph(example: str, target: str) -> tuple[Resource, ...]:
    environment = "utc" if example == "06-everything" else None
    return compile_graph(select_target(load(ROOT / "examples" / example, environment), target))


@cache
def service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def wrong(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """Everything in a value that the model's shape does not allow."""
    if isinstance(shape, StructureShape):
        for key, member in value.items():
            if key not in shape.members:
                yield f"{path}.{key} is unknown"
            else:
                yield from wrong(member, shape.members[key], f"{path}.{key}")
        yield from (f"{path}.{key} is missing" for key in shape.required_members if key not in value)
    elif isinstance(shape, ListShape):
        for i, item in enumerate(value):
            yield from wrong(item, shape.member, f"{path}[{i}]")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from wrong(item, shape.value, f"{path}.{key}")
    elif shape.type_name == "string":
        yield from wrong_text(value, shape, path)
    elif shape.type_name == "integer" and not isinstance(value, int):
        yield f"{path} is no integer"


def wrong_text(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{path} is no text"
        return
    rules = shape.metadata
    if rules.get("enum") and value not in rules["enum"]:
        yield f"{path} is {value}, not one of {rules['enum']}"
    if "max" in rules and len(value) > rules["max"]:
        yield f"{path} is longer than {rules['max']}"
    if rules.get("pattern") and "\\p{" not in rules["pattern"] and not re.fullmatch(rules["pattern"], value, re.DOTALL):
        yield f"{path} does not match {rules['pattern']}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_container_definitions_keep_the_api_model(example: str) -> None:
    shape = service("ecs").shape_for("ContainerDefinition")
    for task in (r for r in graph(example, "aws-ecs") if r.kind == "TaskDefinition"):
        for container in json.loads(task.inputs["containerDefinitions"]):
            assert list(wrong(container, shape, container["name"])) == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_names_and_expressions_keep_the_api_models(example: str) -> None:
    for resource in graph(example, "aws-ecs"):
        if resource.type not in REQUESTS:
            continue
        name, operation, members = REQUESTS[resource.type]
        shape = service(name).operation_model(operation).input_shape
        given = {member: resource.inputs[key] for key, member in members.items() if key in resource.inputs}
        found = [w for k, v in given.items() for w in wrong(v, shape.members[k], f"{resource.name}.{k}")]
        assert found == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_action_of_a_policy_is_an_operation(example: str) -> None:
    beyond = {"iam:PassRole", "s3:ListBucket", "logs:CreateLogStream", "logs:PutLogEvents"}
    for attached in (r for r in graph(example, "aws-ecs") if r.kind == "RolePolicy"):
        for statement in json.loads(attached.inputs["policy"])["Statement"]:
            for action in set(statement["Action"]) - beyond:
                prefix, _, operation = action.partition(":")
                assert operation in service(prefix).operation_names, action


@pytest.mark.parametrize("target", names())
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_input_is_one_that_the_sdk_declares(example: str, target: str) -> None:
    for resource in graph(example, target):
        if resource.type.startswith(("unmoor:", "pulumi:")):
            continue
        declared = input_names(resource.type)
        assert declared, f"no argument class is known for {resource.type}"
        assert set(resource.inputs) - declared == set(), resource.type
