"""The custom role of the deploying user: the permissions for the graph's types.

https://docs.cloud.google.com/iam/docs/permissions-reference
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from unmoor.graph import Resource
from unmoor.plan import Plan

from .settings import CloudRunSettings

# By type without its package: the permissions. Compute Engine's resources also need to read their operations, and one
# that refers to another needs the right to use it. `logging.logEntries.list` lets verify report why a service failed.
PERMISSIONS: Mapping[str, Sequence[str]] = json.loads(
    (files("unmoor.targets.gcp_cloud_run") / "deployer.json").read_text(encoding="utf-8")
)["by_type"]
ALWAYS = ("resourcemanager.projects.get",)


def deployer_policy(plan: Plan, settings: CloudRunSettings, resources: Iterable[Resource]) -> Mapping[str, Any]:
    """The role on the project, as `gcloud iam roles create --file` takes it."""
    types = {r.type.removeprefix("gcp:") for r in resources if r.type.startswith("gcp:")}
    found = {permission for type_ in types for permission in PERMISSIONS[type_]}
    return {
        "title": f"Deployer of {plan.agent}",
        "description": f"Deploys the agent {plan.agent} in {plan.environment}",
        "stage": "GA",
        "includedPermissions": sorted({*found, *ALWAYS}),
    }
