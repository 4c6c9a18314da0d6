"""What Google refuses, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google_calls import denied, permissions
from role_enforced import RoleEnforced
from rules import Refused

API, LOGS = "gcp:projects/service:Service", "gcp:logging/projectBucketConfig:ProjectBucketConfig"
# The API of each resource, by the beginning of its type.
APIS = {
    "artifactregistry": "artifactregistry",
    "cloudrunv2": "run",
    "cloudscheduler": "cloudscheduler",
    "compute": "compute",
    "dns": "dns",
    "logging": "logging",
    "secretmanager": "secretmanager",
    "serviceaccount": "iam",
}


def role_enforced(role: Mapping[str, Any]) -> RoleEnforced:
    """The printed custom role: https://docs.cloud.google.com/iam/docs/permissions-reference"""
    return RoleEnforced(calls=permissions, allowed=set(role["includedPermissions"]), denied=denied)


def resource_manager_off(verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
    """In an empty project Resource Manager's API is off, and reading what was enabled asks it for the project:
    https://github.com/hashicorp/terraform-provider-google/issues/11435
    """
    if type_ == API and verb in ("create", "read"):
        raise Refused(
            f"Error when reading or editing Project Service {inputs['service']}: googleapi: Error 403: Cloud Resource "
            "Manager API has not been used in project 1234 before or it is disabled. Enable it by visiting "
            "https://console.developers.google.com/apis/api/cloudresourcemanager.googleapis.com, SERVICE_DISABLED"
        )


@dataclass(slots=True)
class ApiComesLate:
    """An API is in force only some requests after it was enabled:
    https://github.com/hashicorp/terraform-provider-google/issues/8214
    """

    refusals: int
    waited: bool = False

    def __call__(self, verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
        api = APIS.get(type_.removeprefix("gcp:").partition("/")[0])
        if api == "secretmanager" and verb == "create" and self.refusals > 0:
            self.refusals -= 1
            raise Refused(
                f"Error creating Secret: googleapi: Error 403: {api} API has not been used in project 1234 before or it "
                "is disabled. Details: reason SERVICE_DISABLED"
            )


@dataclass(slots=True)
class DeletedLogBuckets:
    """A deleted log bucket holds its name for 7 days, and the provider does not undelete it:
    https://docs.cloud.google.com/logging/docs/buckets#delete-bucket
    """

    held: set[str] = field(default_factory=set)

    def __call__(self, verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
        if type_ == LOGS and verb == "delete":
            self.held.add(inputs["bucketId"])
        elif type_ == LOGS and verb == "create" and inputs["bucketId"] in self.held:
            raise Refused(f"Error 400: Bucket {inputs['bucketId']} is in state DELETE_REQUESTED")


def fraction_of_a_processor(verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
    """A service's instance with less than one processor takes one request at a time, is billed by request, and has the
    first generation's environment and little memory; a job has whole processors:
    https://docs.cloud.google.com/run/docs/configuring/services/cpu
    """
    if type_ not in ("gcp:cloudrunv2/service:Service", "gcp:cloudrunv2/job:Job") or verb not in ("create", "update"):
        return
    is_service = "service" in type_
    template = inputs["template"] if is_service else inputs["template"]["template"]
    [container] = template["containers"]
    limits = container["resources"]["limits"]
    cpu = float(limits["cpu"][:-1]) / 1000 if limits["cpu"].endswith("m") else float(limits["cpu"])
    mib = int(limits["memory"].removesuffix("Mi"))
    if cpu >= 1:
        return
    fits = mib <= (1024 if cpu >= 0.5 else 512)
    alone = template.get("maxInstanceRequestConcurrency") == 1 and container["resources"].get("cpuIdle")
    if not is_service or cpu < 0.08 or not (fits and alone and template["executionEnvironment"].endswith("GEN1")):
        raise Refused("Total cpu < 1 is not supported with these settings.")
