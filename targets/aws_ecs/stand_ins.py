"""Made-up outputs of AWS' resources and data sources. ARNs: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from unmoor.target.stand_ins import FakeResource, Outputs, StandIns, canonical

ACCOUNT = "123456789012"
REGION = "eu-west-1"


def _arn(service: str, what: str, *, region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:aws:{service}:{region}:{account}:{what}"


def _identified(prefix: str) -> Callable[[FakeResource], Outputs]:
    def outputs(resource: FakeResource) -> Outputs:
        identity = f"{prefix}-{resource.hex(17)}"
        kind = {"sg": "security-group", "igw": "internet-gateway", "rtb": "route-table"}.get(prefix, prefix)
        return {"id": identity, "arn": _arn("ec2", f"{kind}/{identity}")}

    return outputs


def _role(resource: FakeResource) -> Outputs:
    name = resource.input("name")
    return {"id": name, "name": name, "arn": _arn("iam", f"role/{name}", region=""), "uniqueId": "AROAEXAMPLE"}


def _bucket(resource: FakeResource) -> Outputs:
    name = resource.inputs.get("bucket") or f"{resource.input('bucketPrefix')}{resource.number(20)}"
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com",
    }


def _cluster(resource: FakeResource) -> Outputs:
    name = resource.input("name")
    arn = _arn("ecs", f"cluster/{name}")
    return {"id": arn, "arn": arn, "name": name}


def _task(resource: FakeResource) -> Outputs:
    family = _arn("ecs", f"task-definition/{resource.input('family')}")
    return {"id": resource.input("family"), "arn": f"{family}:1", "arnWithoutRevision": family, "revision": 1}


def _service(resource: FakeResource) -> Outputs:
    arn = _arn("ecs", f"service/{str(resource.inputs.get('cluster')).rsplit('/', 1)[-1]}/{resource.input('name')}")
    return {"id": arn, "arn": arn, "name": resource.input("name")}


def _secret(resource: FakeResource) -> Outputs:
    name = resource.inputs.get("name") or f"{resource.input('namePrefix')}{resource.number(26)}"
    arn = _arn("secretsmanager", f"secret:{name}-{resource.hex(6)}")
    return {"id": arn, "arn": arn, "name": name}


def _secret_version(resource: FakeResource) -> Outputs:
    # The version is another one whenever the value is, which the cloud knows by the write-only value's version.
    version = FakeResource(
        type=resource.type, name=f"{resource.name}{canonical(resource.inputs.get('secretStringWoVersion'))}", inputs={}
    ).uuid()
    return {"id": f"{resource.inputs.get('secretId')}|{version}", "versionId": version}


def _log_group(resource: FakeResource) -> Outputs:
    name = resource.input("name")
    return {"id": name, "name": name, "arn": _arn("logs", f"log-group:{name}")}


def _queue(resource: FakeResource) -> Outputs:
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{resource.input('name')}"
    return {"id": url, "url": url, "arn": _arn("sqs", resource.input("name")), "name": resource.input("name")}


def _repository(resource: FakeResource) -> Outputs:
    name = resource.input("name")
    return {
        "id": name,
        "name": name,
        "arn": _arn("ecr", f"repository/{name}"),
        "registryId": ACCOUNT,
        "repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}",
    }


def _api(resource: FakeResource) -> Outputs:
    identity = resource.hex(10)
    return {
        "id": identity,
        "arn": f"arn:aws:apigateway:{REGION}::/apis/{identity}",
        "apiEndpoint": f"https://{identity}.execute-api.{REGION}.amazonaws.com",
        "executionArn": _arn("execute-api", identity),
    }


def _domain_name(resource: FakeResource) -> Outputs:
    configuration = {
        **resource.inputs.get("domainNameConfiguration", {}),
        "targetDomainName": f"d-{resource.hex(10)}.execute-api.{REGION}.amazonaws.com",
        "hostedZoneId": "ZLY8HYME6SFDD",
    }
    return {"id": resource.input("domainName"), "domainNameConfiguration": configuration}


def _discovery(kind: str, prefix: str) -> Callable[[FakeResource], Outputs]:
    def outputs(resource: FakeResource) -> Outputs:
        identity = f"{prefix}-{resource.hex(16)}"
        return {"id": identity, "arn": _arn("servicediscovery", f"{kind}/{identity}"), "hostedZone": "Z0123456789ABC"}

    return outputs


def _balancer(resource: FakeResource) -> Outputs:
    name = resource.input("name")
    arn = _arn("elasticloadbalancing", f"loadbalancer/app/{name}/{resource.hex(16)}")
    dns = f"{name}-{resource.number(9)}.{REGION}.elb.amazonaws.com"
    return {"id": arn, "arn": arn, "dnsName": dns, "zoneId": "Z32O12XQLNTSW2"}


def _balancing(kind: str) -> Callable[[FakeResource], Outputs]:
    def outputs(resource: FakeResource) -> Outputs:
        arn = _arn("elasticloadbalancing", f"{kind}/{resource.input('name')}/{resource.hex(16)}")
        return {"id": arn, "arn": arn}

    return outputs


def _certificate(resource: FakeResource) -> Outputs:
    arn = _arn("acm", f"certificate/{resource.uuid()}")
    proof = {
        "domainName": resource.input("domainName"),
        "resourceRecordName": f"_{resource.hex(32)}.{resource.input('domainName')}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": f"_{resource.hex(32, 'value')}.acm-validations.aws.",
    }
    return {"id": arn, "arn": arn, "domainValidationOptions": [proof]}


def _named(service: str, kind: str) -> Callable[[FakeResource], Outputs]:
    def outputs(resource: FakeResource) -> Outputs:
        name = resource.input("name")
        return {"id": name, "name": name, "arn": _arn(service, f"{kind}/{name}")}

    return outputs


RESOURCES: Mapping[str, Callable[[FakeResource], Outputs]] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:acm/certificateValidation:CertificateValidation": lambda r: {"id": r.uuid()},
    "aws:apigatewayv2/api:Api": _api,
    "aws:apigatewayv2/domainName:DomainName": _domain_name,
    "aws:apigatewayv2/integration:Integration": lambda r: {"id": r.hex(7)},
    "aws:apigatewayv2/stage:Stage": lambda r: {"id": r.input("name"), "arn": _arn("apigateway", f"stages/{r.name}")},
    "aws:apigatewayv2/vpcLink:VpcLink": lambda r: {"id": r.hex(6)},
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:ec2/internetGateway:InternetGateway": _identified("igw"),
    "aws:ec2/routeTable:RouteTable": _identified("rtb"),
    "aws:ec2/securityGroup:SecurityGroup": _identified("sg"),
    "aws:ec2/subnet:Subnet": _identified("subnet"),
    "aws:ec2/vpc:Vpc": _identified("vpc"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _identified("vpce"),
    "aws:ecr/repository:Repository": _repository,
    "aws:ecs/cluster:Cluster": _cluster,
    "aws:ecs/service:Service": _service,
    "aws:ecs/taskDefinition:TaskDefinition": _task,
    "aws:iam/role:Role": _role,
    "aws:lb/listener:Listener": _balancing("listener"),
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:lb/targetGroup:TargetGroup": _balancing("targetgroup"),
    "aws:route53/record:Record": lambda r: {"id": r.hex(16), "fqdn": str(r.inputs.get("name", "")).rstrip(".")},
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketObjectv2:BucketObjectv2": lambda r: {"id": r.input("key"), "etag": r.hex(32)},
    "aws:scheduler/schedule:Schedule": _named("scheduler", "schedule"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": _named("scheduler", "schedule-group"),
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": _discovery("namespace", "ns"),
    "aws:servicediscovery/service:Service": _discovery("service", "srv"),
    "aws:sqs/queue:Queue": _queue,
}


def _zones(args: Mapping[str, Any]) -> Outputs:
    region = str(args.get("region") or "eu-west-1")
    return {"id": region, "names": [f"{region}{zone}" for zone in "abc"], "zoneIds": [f"euw1-az{i}" for i in (1, 2, 3)]}


DATA_SOURCES: Mapping[str, Callable[[Mapping[str, Any]], Outputs]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
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
}
STAND_INS = StandIns(resources=RESOURCES, data_sources=DATA_SOURCES)
