"""The service of the gateway or the guard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from .container_template import service_container, volumes
from .containers import Container
from .context import Context
from .names import name, release_labels
from .network import Network

# https://docs.cloud.google.com/run/docs/configuring/request-timeout
LONGEST_REQUEST = "3600s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Ingress and scaling of a service; `cpu_idle`: whether it has CPU only during requests.

    `generation`: of its execution environment. The first is the only one that has fractions of a processor.
    """

    ingress: str
    open_to_all: bool
    least: int
    most: int
    requests: int
    cpu_idle: bool
    generation: int = 2


def service(
    context: Context,
    container: Container,
    serving: Serving,
    *,
    account: gcp.serviceaccount.Account,
    network: Network,
    after: Sequence[pulumi.Resource],
) -> gcp.cloudrunv2.Service:
    scratch = container.medium == "DISK"
    return gcp.cloudrunv2.Service(
        context.logical(container.name),
        name=name(context.plan, container.name),
        location=context.settings.region,
        description=f"unmoor {context.plan.agent}: {container.name}",
        ingress=serving.ingress,
        invoker_iam_disabled=serving.open_to_all,
        deletion_protection=False,
        launch_stage=launch_stage(container),
        scaling={"min_instance_count": serving.least, "scaling_mode": "AUTOMATIC"},
        template={
            "service_account": account.email,
            "execution_environment": f"EXECUTION_ENVIRONMENT_GEN{serving.generation}",
            "timeout": LONGEST_REQUEST,
            "max_instance_request_concurrency": serving.requests,
            "scaling": {"max_instance_count": serving.most},
            "containers": [service_container(context, container, cpu_idle=serving.cpu_idle)],
            "volumes": volumes(container),
            "vpc_access": network.vpc_access(),
        },
        labels=release_labels(context.plan),
        opts=pulumi.ResourceOptions.merge(
            context.using("run", *after),
            pulumi.ResourceOptions(
                # The name is taken while the old one exists: `up` replaces a service whose creation failed.
                ignore_changes=ignored_changes(scratch),
                delete_before_replace=True,
            ),
        ),
    )


def launch_stage(container: Container) -> str:
    """Ephemeral disks may need the beta stage of the API, which does no harm."""
    return "BETA" if container.medium == "DISK" else "GA"


def ignored_changes(scratch: bool) -> list[str]:
    """Inputs that Cloud Run changes itself: the last client, and the launch stage."""
    return ["client", "clientVersion", *(["launchStage"] if scratch else [])]
