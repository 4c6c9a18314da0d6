"""Who may do what, read from a recorded graph: its policies, task definitions, security groups and listeners."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from unmoor.graph import Resource
from unmoor.plan import Plan
from unmoor.target import Access, secret_name_from_variable

from .names import secret_arn

# Actions without a resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
RESOURCELESS = {"ecr:GetAuthorizationToken"}
# Authorized on `*`, and restricted by a condition: https://github.com/cdklabs/construct-hub/issues/1207
BY_CLUSTER = {"ecs:ListTasks"}
OBJECT_ACTIONS = {"read": "s3:GetObject", "write": "s3:PutObject", "delete": "s3:DeleteObject"}
EVERYWHERE = {"0.0.0.0/0", "::/0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    resources: tuple[Resource, ...]

    def of(self, type_: str) -> list[Resource]:
        return [r for r in self.resources if r.type == type_]

    def statements(self, role_arn: str) -> list[dict[str, Any]]:
        """The Allow statements of a role."""
        names = {_name(r) for r in self.of("aws:iam/role:Role") if role_arn.endswith(f"/{_name(r)}")}
        documents = (r.inputs["policy"] for r in self.of("aws:iam/rolePolicy:RolePolicy") if r.inputs["role"] in names)
        return [s for d in documents for s in json.loads(d)["Statement"] if s["Effect"] == "Allow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A container or service with the statements of its role."""

    name: str
    statements: Sequence[Mapping[str, Any]]


def access(plan: Plan, resources: Sequence[Resource]) -> Access:
    """What the graph allows each container, the schedules and the public."""
    graph = Graph(resources=tuple(resources))
    principals = [*_containers(graph), *_schedules(graph)]
    obtained = {(p.name, s) for p in principals for s in _obtainable_secrets(graph, p)}
    return Access(
        reads=frozenset({*_injected_secrets(graph), *obtained}),
        self_obtainable=frozenset(obtained),
        store_access=frozenset({*(t for p in principals for t in _store_access(p)), *_public_store(graph)}),
        starts=frozenset((p.name, what) for p in principals for what in _starts(graph, p)),
        listens=frozenset([*_front(graph), *_open_groups(graph)]),
        wildcards=tuple(_wildcards(graph)),
    )


def _definitions(graph: Graph) -> Iterator[tuple[Resource, list[dict[str, Any]]]]:
    for task in graph.of("aws:ecs/taskDefinition:TaskDefinition"):
        yield task, json.loads(task.inputs["containerDefinitions"])


def _containers(graph: Graph) -> Iterator[Principal]:
    """Every container of a task can get the credentials of the task's role."""
    for task, containers in _definitions(graph):
        statements = graph.statements(task.inputs.get("taskRoleArn", ""))
        for container in containers:
            yield Principal(name=container["name"], statements=statements)


def _schedules(graph: Graph) -> Iterator[Principal]:
    for schedule in graph.of("aws:scheduler/schedule:Schedule"):
        yield Principal(name="schedules", statements=graph.statements(schedule.inputs["target"]["roleArn"]))


def _injected_secrets(graph: Graph) -> Iterator[tuple[str, str]]:
    for _, containers in _definitions(graph):
        for container in containers:
            for reference in container.get("secrets", []):
                yield container["name"], secret_name_from_variable(reference["name"])


def _obtainable_secrets(graph: Graph, principal: Principal) -> Iterator[str]:
    for statement in principal.statements:
        if _allows(statement, "secretsmanager:GetSecretValue"):
            yield from (name for name, arn in _secret_arns(graph) if _covers(statement, arn))


def _secret_arns(graph: Graph) -> Iterator[tuple[str, str]]:
    """The spec name and ARN of every secret that a container refers to."""
    for _, containers in _definitions(graph):
        for container in containers:
            for reference in container.get("secrets", []):
                yield secret_name_from_variable(reference["name"]), secret_arn(str(reference["valueFrom"]))


def _store_access(principal: Principal) -> Iterator[tuple[str, str, str]]:
    for statement in principal.statements:
        for kind, action in OBJECT_ACTIONS.items():
            if _allows(statement, action):
                yield from ((principal.name, kind, prefix) for prefix in _prefixes(statement))


def _prefixes(statement: Mapping[str, Any]) -> Iterator[str]:
    for resource in _values(statement, "Resource"):
        if resource == "*":
            yield ""
        elif resource.startswith("arn:aws:s3:::") and "/" in resource:
            yield resource.split("/", 1)[1].removesuffix("*")


def _starts(graph: Graph, principal: Principal) -> Iterator[str]:
    families = {f":task-definition/{t.inputs['family']}:1": t.name for t, _ in _definitions(graph)}
    for statement in principal.statements:
        if not _allows(statement, "ecs:RunTask"):
            continue
        if any(r == "*" for r in _values(statement, "Resource")):
            yield "anything"
        yield from ("run" for end, name in families.items() if name.endswith("-run") and _covers_end(statement, end))
        yield from (
            "gateway" for end, name in families.items() if name.endswith("-gateway") and _covers_end(statement, end)
        )


def _covers_end(statement: Mapping[str, Any], end: str) -> bool:
    return any(fnmatchcase(end, "*:" + r.split(":", 5)[-1]) for r in _values(statement, "Resource") if ":" in r)


def _front(graph: Graph) -> Iterator[tuple[str, int, bool, bool]]:
    for _ in graph.of("aws:apigatewayv2/api:Api"):
        yield "gateway", 443, True, True  # an HTTP API has no listener without TLS
    public = [b for b in graph.of("aws:lb/loadBalancer:LoadBalancer") if not b.inputs.get("internal")]
    for listener in graph.of("aws:lb/listener:Listener") if public else []:
        redirects = all(action["type"] == "redirect" for action in listener.inputs["defaultActions"])
        secure = listener.inputs["protocol"] in ("HTTPS", "TLS") or redirects
        yield "gateway", int(listener.inputs["port"]), True, secure


def _open_groups(graph: Graph) -> Iterator[tuple[str, int, bool, bool]]:
    """Groups of containers that the public reaches directly; a load balancer's group is covered by its listeners."""
    fronts = {g for b in graph.of("aws:lb/loadBalancer:LoadBalancer") for g in b.inputs.get("securityGroups", [])}
    for rule in graph.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        open_to_all = {rule.inputs.get("cidrIpv4"), rule.inputs.get("cidrIpv6")} & EVERYWHERE
        if open_to_all and rule.inputs["securityGroupId"] not in fronts:
            yield rule.name, int(rule.inputs.get("fromPort", 0)), True, False


def _public_store(graph: Graph) -> Iterator[tuple[str, str, str]]:
    blocks = graph.of("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    closed = bool(blocks) and all(b.inputs.get(s) is True for b in blocks for s in switches)
    if graph.of("aws:s3/bucket:Bucket") and not closed:
        yield "anyone", "read", ""
    for bucket_policy in graph.of("aws:s3/bucketPolicy:BucketPolicy"):
        for statement in json.loads(bucket_policy.inputs["policy"])["Statement"]:
            if statement["Effect"] == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"}):
                yield "anyone", "read", ""


def _wildcards(graph: Graph) -> Iterator[str]:
    for attached in graph.of("aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(attached.inputs["policy"])["Statement"]:
            actions = _values(statement, "Action")
            by_cluster = BY_CLUSTER if "ecs:cluster" in str(statement.get("Condition")) else set[str]()
            if statement["Effect"] != "Allow" or set(actions) <= RESOURCELESS | by_cluster:
                continue
            if "*" in _values(statement, "Resource") or any("*" in action for action in actions):
                yield f"{attached.name}: {', '.join(actions)} on {', '.join(_values(statement, 'Resource'))}"
    for attachment in graph.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
        yield f"{attachment.name}: {attachment.inputs['policyArn']}"


def _allows(statement: Mapping[str, Any], action: str) -> bool:
    return any(fnmatchcase(action.lower(), a.lower()) for a in _values(statement, "Action"))


def _covers(statement: Mapping[str, Any], arn: str) -> bool:
    return any(fnmatchcase(arn, r) for r in _values(statement, "Resource"))


def _values(statement: Mapping[str, Any], key: str) -> list[str]:
    value = statement.get(key, [])
    return [str(v) for v in value] if isinstance(value, Iterable) and not isinstance(value, str) else [str(value)]


def _name(resource: Resource) -> str:
    return str(resource.inputs.get("name", resource.name))
