"""The policy pack's rules, on what an engine shows them: a preview's unknown values are refused to whoever asks."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    StackValidationArgs,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from unmoor.stacks.policies import KnownInputs, known_inputs, policies

ALIKE = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
NAMED, ONE, LEAST = policies()
STACK = PolicyResource("pulumi:pulumi:Stack", {}, "urn:stack", "stack", ALIKE, None, None, [], {})


def resource(type_: str, name: str, parent: PolicyResource | None, **props: Any) -> PolicyResource:
    shown = unknown_checking_proxy(props)
    return PolicyResource(type_, shown, f"urn:{type_}:{name}", name, ALIKE, None, parent, [], {})


def breaches(policy: Any, args: Any) -> list[str]:
    found: list[str] = []
    policy.validate(args, lambda message, urn=None: found.append(message))
    return found


def through(provider: str, type_: str) -> list[str]:
    shown = PolicyProviderResource("pulumi:providers:aws", {}, "urn:provider", provider)
    args = ResourceValidationArgs(
        type_, unknown_checking_proxy({"name": UNKNOWN_STRING_VALUE}), "urn:a", "a", ALIKE, shown
    )
    return breaches(NAMED, args)


@pytest.mark.parametrize(
    ("provider", "type_", "found"),
    [
        ("hello-aws", "aws:s3/bucket:Bucket", []),
        ("default_7_51_1", "random:index/randomId:RandomId", []),
        (
            "default_7_51_1",
            "aws:s3/bucket:Bucket",
            ["aws:s3/bucket:Bucket a uses the default provider of aws"],
        ),
    ],
)
def test_a_resource_goes_through_a_provider_that_says_where(provider: str, type_: str, found: list[str]) -> None:
    assert through(provider, type_) == found


def test_all_descends_from_one_component_and_shares_no_name() -> None:
    agent = resource("unmoor:aws-ecs:Agent", "hello", STACK)
    bucket = resource("aws:s3/bucket:Bucket", "hello-store", agent)
    assert breaches(ONE, StackValidationArgs([STACK, agent, bucket])) == []
    stray = resource("aws:s3/bucket:Bucket", "stray", STACK)
    assert breaches(ONE, StackValidationArgs([STACK, agent, bucket, stray])) == [
        "2 resources have no parent: aws:s3/bucket:Bucket stray, unmoor:aws-ecs:Agent hello"
    ]
    assert breaches(ONE, StackValidationArgs([STACK, agent, bucket, bucket])) == [
        "2 resources are aws:s3/bucket:Bucket hello-store"
    ]


def test_what_a_preview_cannot_know_is_left_out_and_told() -> None:
    props = unknown_checking_proxy({"a": [1.0, UNKNOWN_STRING_VALUE], "b": {"c": UNKNOWN_STRING_VALUE, "d": "e"}})
    assert known_inputs(props) == KnownInputs(inputs={"a": [1, None], "b": {"c": None, "d": "e"}}, complete=False)
    assert known_inputs(unknown_checking_proxy({"a": [1.5]})) == KnownInputs(inputs={"a": [1.5]}, complete=True)


def test_without_a_spec_in_the_config_rights_are_not_judged() -> None:
    with pytest.raises(Exception) as refused:  # noqa: PT011  # the SDK's own, which it does not export
        breaches(LEAST, StackValidationArgs([]))
    assert refused.value.reason == "unmoor:spec and unmoor:target are not set in the stack's config"  # type: ignore[attr-defined]
