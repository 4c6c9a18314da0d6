"""Stand-ins for what only a cloud knows: ids and computed outputs of the right shape, equal on every run.

A resource's outputs are its inputs, what its package's table says of its type, and for every other text that the SDK's
class says is always there a mark, so that the recorder can refuse an input that is made of it rather than send nothing.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from unmoor.errors import UnmoorError
from unmoor.recording.stand_ins.base import ACCOUNT, ZONES, FakeResource, Outputs

UNSET = re.compile(r"<no stand-in: (\S+) (\S+)>")
ALWAYS_TEXT = {"pulumi.output.Output[str]", "pulumi.Output[str]"}


def fake_outputs(type_: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, Outputs]:
    """An id and every output of one resource."""
    from unmoor.recording.stand_ins.aws import AWS
    from unmoor.recording.stand_ins.azure import AZURE, azure_id, azure_identity
    from unmoor.recording.stand_ins.docker import DOCKER
    from unmoor.recording.stand_ins.gcp import GCP

    asked = FakeResource(type=type_, name=name, inputs=inputs)
    package = type_.split(":")[0]
    table: Mapping[str, Callable[[FakeResource], Outputs]] = {"aws": AWS, "azure-native": AZURE, "gcp": GCP}.get(
        package, DOCKER
    )
    own = table[type_](asked) if type_ in table else {}
    unset = {output: f"<no stand-in: {type_} {output}>" for output in _declared(type_)}
    identity = own.pop("id", None) or (azure_id(asked) if package == "azure-native" else asked.hex(16))
    echoed = {**inputs, **azure_identity(asked)} if package == "azure-native" else inputs
    return identity, {**unset, **echoed, **own}


@functools.cache
def _declared(type_: str) -> tuple[str, ...]:
    """Every output of the type that the SDK declares as a text that is always there, by its name on the wire."""
    return tuple(
        getattr(member.fget, "_pulumi_name", name)
        for class_ in _classes().get(type_, ())
        for name, member in vars(class_).items()
        if isinstance(member, property) and str(member.fget.__annotations__.get("return")) in ALWAYS_TEXT
    )


def input_names(type_: str) -> frozenset[str]:
    """Every input that the SDK's class of that type takes, by its name on the wire; the type must have been used."""
    return frozenset(
        getattr(member.fget, "_pulumi_name", name)
        for class_ in _classes().get(type_, ())
        for name, member in vars(_arguments(class_)).items()
        if isinstance(member, property)
    )


def _arguments(class_: type) -> type:
    """The class of a resource's arguments; InitArgs where a nested input has taken the shorter name."""
    module = sys.modules[class_.__module__]
    found = (getattr(module, f"{class_.__name__}{ending}", None) for ending in ("InitArgs", "Args"))
    return next((args for args in found if args is not None), object)


def _classes() -> dict[str, list[type]]:
    """The resource classes that have been imported, by their type."""
    found: dict[str, list[type]] = {}
    for class_ in pulumi.CustomResource.__subclasses__():
        if type_ := getattr(class_, "pulumi_type", None):
            found.setdefault(type_, []).append(class_)
    return found


def fake_invoke(token: str, args: Mapping[str, Any]) -> Outputs:
    """The result of one data source; UnmoorError, naming it, for one that nothing is known of."""
    if token not in INVOKES:
        raise UnmoorError(f"no stand-in for the data source {token}; add it to unmoor.recording.stand_ins")
    return {**args, **INVOKES[token](args)}


def _aws_zones(args: Mapping[str, Any]) -> Outputs:
    region = str(args.get("region") or "eu-west-1")
    return {"id": region, "names": [f"{region}{z}" for z in ZONES], "zoneIds": [f"euw1-az{i}" for i in (1, 2, 3)]}


INVOKES: Mapping[str, Callable[[Mapping[str, Any]], Outputs]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _aws_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": lambda args: {
        "accountId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:user/deployer",
        "id": ACCOUNT,
        "userId": "AIDAEXAMPLE",
    },
    "aws:index/getPartition:getPartition": lambda args: {"id": "aws", "partition": "aws", "dnsSuffix": "amazonaws.com"},
    "aws:index/getRegion:getRegion": lambda args: {"id": "eu-west-1", "name": "eu-west-1", "region": "eu-west-1"},
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": lambda args: {
        "id": "eu-west-1",
        "userName": "AWS",
        "password": "stand-in-for-a-registry-password",
        "authorizationToken": "stand-in-for-a-registry-token",
        "proxyEndpoint": f"https://{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com",
        "expiresAt": "2030-01-01T00:00:00Z",
    },
    "azure-native:authorization:getClientConfig": lambda args: {
        "clientId": "11111111-1111-4111-a111-111111111111",
        "objectId": "22222222-2222-4222-a222-222222222222",
        "subscriptionId": "00000000-0000-0000-0000-000000000000",
        "tenantId": "33333333-3333-4333-a333-333333333333",
    },
    "azure-native:operationalinsights:getSharedKeys": lambda args: {
        "primarySharedKey": "stand-in-for-a-workspace-key",
        "secondarySharedKey": "stand-in-for-a-workspace-key",
    },
    "azure-native:containerregistry:listRegistryCredentials": lambda args: {
        "username": "registry",
        "passwords": [{"name": "password", "value": "stand-in-for-a-registry-password"}],
    },
    "gcp:organizations/getProject:getProject": lambda args: {
        "id": f"projects/{args.get('projectId', 'my-project')}",
        "number": "123456789012",
        "projectId": args.get("projectId", "my-project"),
        "name": args.get("projectId", "my-project"),
    },
    "gcp:organizations/getClientConfig:getClientConfig": lambda args: {
        "id": "projects/my-project",
        "project": "my-project",
        "region": "europe-west1",
        "zone": "europe-west1-b",
        "accessToken": "stand-in-for-an-access-token",
    },
}
