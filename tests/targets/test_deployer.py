"""What who deploys must be allowed to do is known of every resource that a target can make, and of no more."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pulumi
import pytest
from cases import graph_of, plan_of

from unmoor.recording.compile import compile_graph
from unmoor.spec.load import load
from unmoor.target.choose import select_target
from unmoor.target.registry import load as load_target
from unmoor.targets.aws_ecs import deployer as aws
from unmoor.targets.azure_container_apps import deployer as azure
from unmoor.targets.gcp_cloud_run import deployer as gcp

ROOT = Path(__file__).resolve().parents[2]
TABLES = {
    "aws_ecs": ("aws:", aws.ACTIONS),
    "azure_container_apps": ("azure-native:", azure.OPERATIONS),
    "gcp_cloud_run": ("gcp:", gcp.PERMISSIONS),
}


def made_by(target: str) -> set[str]:
    """The type of every resource class that a target's own code creates."""
    found = set[str]()
    for file in (ROOT / "targets" / target).glob("*.py"):
        module = importlib.import_module(f"unmoor.targets.{target}.{file.stem}")
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Store):
                class_ = _resolved(module, node)
                if inspect.isclass(class_) and issubclass(class_, pulumi.CustomResource):
                    found.add(class_.pulumi_type)
    return {type_ for type_ in found if not type_.startswith("pulumi:providers")}


def _resolved(module: object, node: ast.expr) -> object:
    if isinstance(node, ast.Name):
        return getattr(module, node.id, None)
    return getattr(_resolved(module, node.value), node.attr, None) if isinstance(node, ast.Attribute) else None


@pytest.mark.parametrize("target", TABLES)
def test_every_type_that_the_target_can_make_has_its_rights_and_no_other_has(target: str) -> None:
    package, table = TABLES[target]
    made = {type_.removeprefix(package) for type_ in made_by(target) if type_.startswith(package)}
    assert made
    assert made == set(table)


def document(example: str, target: str):
    chosen = select_target(load(ROOT / "examples" / example), target)
    return chosen.target.deployer_policy(chosen.loaded.plan, chosen.settings, compile_graph(chosen))


def test_an_aws_policy_names_the_agent_wherever_a_name_is_known_and_holds_no_wildcard_action() -> None:
    policy = document("02-issue-triage", "aws-ecs")
    by_sid = {s["Sid"]: s for s in policy["Statement"]}
    assert by_sid["OwnS3"]["Resource"] == ["arn:aws:s3:::issue-triage-default*"]
    assert by_sid["Region"]["Condition"] == {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    assert by_sid["Pass"]["Resource"] == ["arn:aws:iam::*:role/issue-triage-default*"]
    assert by_sid["Pass"]["Condition"]["StringEquals"]["iam:PassedToService"] == aws.PASSED_TO
    actions = [action for s in policy["Statement"] for action in s["Action"]]
    assert [a for a in actions if "*" in a] == []
    everything = {sid for sid, s in by_sid.items() if s["Resource"] == ["*"]}
    assert everything == {"Region", "Anywhere", "ListTasks"}
    assert by_sid["ListTasks"]["Condition"] == {
        "ArnLike": {"ecs:cluster": "arn:aws:ecs:eu-west-1:*:cluster/issue-triage-default*"}
    }
    assert by_sid["Anywhere"]["Action"] == [
        "route53:AssociateVPCWithHostedZone",
        "route53:CreateHostedZone",
        "route53:DeleteHostedZone",
        "route53:GetHostedZone",
        "route53:ListHostedZonesByName",
        "sts:GetCallerIdentity",
    ]


def test_what_a_graph_does_not_have_is_not_allowed() -> None:
    actions = {a for s in document("01-hello", "aws-ecs")["Statement"] for a in s["Action"]}
    assert not {a for a in actions if a.startswith(("acm:", "scheduler:", "elasticloadbalancing:"))}
    assert (
        "Microsoft.App/managedEnvironments/certificates/write"
        not in document("01-hello", "azure-container-apps")["Actions"]
    )
    assert not [p for p in document("01-hello", "gcp-cloud-run")["includedPermissions"] if p.startswith("dns.")]


def test_azures_role_is_given_where_the_group_is() -> None:
    role = document("05-pr-review", "azure-container-apps")
    assert role["AssignableScopes"][0].startswith("/subscriptions/")
    assert "Microsoft.App/containerApps/write" in role["Actions"]
    assert [a for a in role["Actions"] if "*" in a] == []


def azures_policy(**settings: str):
    target = load_target("azure-container-apps")
    chosen = target.settings(location="westeurope", **settings)
    return target.deployer_policy(plan_of(), chosen, graph_of("azure-container-apps", plan_of(), chosen))


def test_azures_role_may_delete_a_secret_and_read_none() -> None:
    assert azures_policy()["DataActions"] == ["Microsoft.KeyVault/vaults/secrets/delete"]


def test_azures_roles_of_an_existing_group_reach_the_subscription_for_role_definitions_alone() -> None:
    subscription = "11111111-2222-3333-4444-555555555555"
    shared = f"/subscriptions/{subscription}/resourceGroups/shared"
    environment = f"{shared}/providers/Microsoft.App/managedEnvironments/all"
    policy = azures_policy(resource_group="mine", subscription_id=subscription, environment_id=environment)
    of_group, of_subscription = policy["roles"]
    assert of_group["AssignableScopes"] == [f"/subscriptions/{subscription}/resourceGroups/mine", shared]
    assert "Microsoft.App/managedEnvironments/join/action" in of_group["Actions"]
    assert "Microsoft.App/managedEnvironments/write" not in of_group["Actions"]
    assert of_subscription["AssignableScopes"] == [f"/subscriptions/{subscription}"]
    assert of_subscription["Actions"] == [
        "Microsoft.Authorization/roleDefinitions/delete",
        "Microsoft.Authorization/roleDefinitions/read",
    ]
    assert of_group["Name"] != of_subscription["Name"]


def test_a_machine_lets_in_a_key_that_runs_one_command() -> None:
    assert document("02-issue-triage", "vm-docker") == {
        "host": "ssh://deploy@203.0.113.7",
        "groups": ["docker"],
        "authorized_keys": 'restrict,command="docker system dial-stdio"',
    }


def test_a_gateway_on_a_machines_loopback_takes_the_way_to_its_port_as_well() -> None:
    target = load_target("vm-docker")
    found = target.deployer_policy(plan_of(), target.settings(host="ssh://deploy@203.0.113.7", port=28080), ())
    options = 'restrict,port-forwarding,permitopen="127.0.0.1:28080",command="docker system dial-stdio"'
    assert found["authorized_keys"] == options
