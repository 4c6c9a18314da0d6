"""IAM: execution roles that ECS uses to start containers, and task roles that containers use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from unmoor.plan import Holder, Plan

from .context import Context, assume_role_policy, assume_role_policy_in_account, policy, policy_statement
from .image import ImageRef
from .logs import Logs
from .names import ROLE, name
from .secrets import StoredSecret
from .store import Store

# The rights of each part by prefix of the store: Read, Write, Delete.
GATEWAY_PREFIXES = {"bundles/": "R", "deliveries/": "RW", "queue/": "RWD", "runs/": "RWD", "sessions/": "RWD"}
# The guard shares the run's task and thus its role; it counts spending under budget/.
# A run sees the names of queued runs, and claims its schedule's time under queue/fired/: it cannot start a run.
RUN_PREFIXES = {
    "budget/": "RW",
    "bundles/": "R",
    "queue/": "",
    "queue/fired/": "RW",
    "runs/": "RW",
    "sessions/": "RWD",
}
ACTIONS = {"R": "s3:GetObject", "W": "s3:PutObject", "D": "s3:DeleteObject"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """The task and execution roles of gateway and run; a run in the gateway has none."""

    gateway: aws.iam.Role
    gateway_execution: aws.iam.Role
    run: aws.iam.Role | None
    run_execution: aws.iam.Role | None
    policies: tuple[pulumi.Resource, ...]


def identities(
    context: Context, *, store: Store, secrets: Mapping[str, StoredSecret], image: ImageRef, logs: Logs
) -> Identities:
    """Every role with its rights."""
    plan = context.plan
    in_process = plan.run.isolation == "process"
    prefixes = _merge(GATEWAY_PREFIXES, RUN_PREFIXES) if in_process else GATEWAY_PREFIXES
    grants = {
        "gateway": _store_access(store, prefixes),
        "gateway-execution": [
            *_start(_secret_arns(plan, secrets, secret_holders_in_gateway(plan)), image, logs.gateway),
            *_decrypt(context, secret_holders_in_gateway(plan)),
        ],
    }
    if not in_process:
        grants["run"] = _store_access(store, RUN_PREFIXES)
        run_secrets = _secret_arns(plan, secrets, ("run", "guard"))
        grants["run-execution"] = [*_start(run_secrets, image, logs.run), *_decrypt(context, ("run", "guard"))]
    roles = {role: _role(context, role, logs.gateway) for role in grants}
    return Identities(
        gateway=roles["gateway"],
        gateway_execution=roles["gateway-execution"],
        run=roles.get("run"),
        run_execution=roles.get("run-execution"),
        policies=tuple(_attach(context, role, roles[role], statements) for role, statements in grants.items()),
    )


def secret_holders_in_gateway(plan: Plan) -> tuple[Holder, ...]:
    return ("gateway", "run", "guard") if plan.run.isolation == "process" else ("gateway",)


def _merge(*tables: Mapping[str, str]) -> dict[str, str]:
    prefixes = sorted({prefix for table in tables for prefix in table})
    return {p: "".join(x for x in "RWD" if any(x in t.get(p, "") for t in tables)) for p in prefixes}


def _secret_arns(plan: Plan, secrets: Mapping[str, StoredSecret], holders: Sequence[Holder]) -> list[pulumi.Input[str]]:
    return [secrets[s.name].arn for s in plan.secrets_held_by(*holders)]


def _role(context: Context, role: str, here: aws.cloudwatch.LogGroup) -> aws.iam.Role:
    """A role for tasks of the account that the log group is in. AWS documents this limit for task roles; for execution
    roles, which no code in a container can use, it shows none:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
    """
    in_account = assume_role_policy_in_account("ecs-tasks", here.arn)
    return aws.iam.Role(
        context.logical(role),
        name=name(context.plan, role, ROLE),
        description=f"unmoor {context.plan.agent}: {role}",
        assume_role_policy=assume_role_policy("ecs-tasks") if role.endswith("-execution") else in_account,
        **context.common_args,
    )


def _attach(context: Context, role: str, to: aws.iam.Role, statements: Iterable[dict[str, Any]]) -> aws.iam.RolePolicy:
    return aws.iam.RolePolicy(
        context.logical(role),
        name="unmoor",
        role=to.name,
        policy=policy(list(statements)),
        opts=context.child,
    )


def _store_access(store: Store, prefixes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Object actions by prefix, and listing restricted to these prefixes."""
    arn = store.bucket.arn
    objects = [
        policy_statement(
            [ACTIONS[x]], [pulumi.Output.concat(arn, "/", p, "*") for p in sorted(prefixes) if x in prefixes[p]]
        )
        for x in "RWD"
    ]
    patterns = [f"{prefix}*" for prefix in sorted(prefixes)]
    return [*objects, policy_statement(["s3:ListBucket"], [arn], {"StringLike": {"s3:prefix": patterns}})]


def _start(
    secret_arns: Sequence[pulumi.Input[str]], image: ImageRef, log_group: aws.cloudwatch.LogGroup
) -> list[dict[str, Any]]:
    """The rights of ECS to start the containers; no container can assume this role."""
    statements = [
        policy_statement(
            ["logs:CreateLogStream", "logs:PutLogEvents"], [pulumi.Output.concat(log_group.arn, ":log-stream:*")]
        )
    ]
    if image.repository_arn is not None:
        # The login is for a whole registry: this action has no resource.
        statements.append(policy_statement(["ecr:GetAuthorizationToken"], ["*"]))
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        statements.append(policy_statement(pull, [image.repository_arn]))
    if secret_arns:
        statements.append(policy_statement(["secretsmanager:GetSecretValue"], secret_arns))
    return statements


def _decrypt(context: Context, holders: Sequence[Holder]) -> list[dict[str, Any]]:
    """The right to decrypt existing secrets under the user's keys, through Secrets Manager alone:
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
    """
    settings = context.settings
    if not settings.secret_keys or all(s.source != "existing" for s in context.plan.secrets_held_by(*holders)):
        return []
    domain = "amazonaws.com.cn" if settings.region.startswith("cn-") else "amazonaws.com"
    via = {"StringEquals": {"kms:ViaService": f"secretsmanager.{settings.region}.{domain}"}}
    return [policy_statement(["kms:Decrypt"], settings.secret_keys, via)]
