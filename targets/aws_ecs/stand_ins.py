"""Made-up outputs of AWS' resources and data sources. ARNs: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from unmoor.target.stand_ins import FakeOutputs, FakeResource, Outputs, StandIns, canonical, template

ACCOUNT = "123456789012"
REGION = "eu-west-1"


def _arn(service: str, path: str, *, region: str = REGION) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{path}"


def _by_arn(service: str, path: str, **more: Any) -> FakeOutputs:
    """A resource whose id is its ARN."""
    arn = _arn(service, path)
    return template(id=arn, arn=arn, **more)


def _by_name(service: str, path: str, *, region: str = REGION, **more: Any) -> FakeOutputs:
    """A resource whose id is its name."""
    return template(id="{name}", name="{name}", arn=_arn(service, path, region=region), **more)


def _by_id(service: str, kind: str, id_: str, **more: Any) -> FakeOutputs:
    """A resource whose id AWS chooses."""
    return template(id=id_, arn=_arn(service, f"{kind}/{id_}"), **more)


def _bucket(resource: FakeResource) -> Outputs:
    name = resource.inputs.get("bucket") or f"{resource.input('bucketPrefix')}{resource.number(20)}"
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com",
    }


def _service(resource: FakeResource) -> Outputs:
    arn = _arn("ecs", f"service/{str(resource.inputs.get('cluster')).rsplit('/', 1)[-1]}/{resource.input('name')}")
    return {"id": arn, "arn": arn, "name": resource.input("name")}


def _secret(resource: FakeResource) -> Outputs:
    name = resource.inputs.get("name") or f"{resource.input('namePrefix')}{resource.number(26)}"
    arn = _arn("secretsmanager", f"secret:{name}-{resource.hex(6)}")
    return {"id": arn, "arn": arn, "name": name}


def _secret_version(resource: FakeResource) -> Outputs:
    # The id changes with the value, which the cloud knows by the version of the write-only value.
    version = FakeResource(
        type=resource.type, name=f"{resource.name}{canonical(resource.inputs.get('secretStringWoVersion'))}", inputs={}
    ).uuid()
    return {"id": f"{resource.inputs.get('secretId')}|{version}", "versionId": version}


def _domain_name(resource: FakeResource) -> Outputs:
    configuration = {
        **resource.inputs.get("domainNameConfiguration", {}),
        "targetDomainName": f"d-{resource.hex(10)}.execute-api.{REGION}.amazonaws.com",
        "hostedZoneId": "ZLY8HYME6SFDD",
    }
    return {"id": resource.input("domainName"), "domainNameConfiguration": configuration}


VALIDATION = {
    "domainName": "{domainName}",
    "resourceRecordName": "_{hex:32}.{domainName}.",
    "resourceRecordType": "CNAME",
    "resourceRecordValue": "_{hex:32,value}.acm-validations.aws.",
}
FAMILY = _arn("ecs", "task-definition/{family}")
RESOURCES: Mapping[str, FakeOutputs] = {
    "aws:acm/certificate:Certificate": _by_arn("acm", "certificate/{uuid}", domainValidationOptions=[VALIDATION]),
    "aws:acm/certificateValidation:CertificateValidation": template(id="{uuid}"),
    "aws:apigatewayv2/api:Api": template(
        id="{hex:10}",
        arn=f"arn:aws:apigateway:{REGION}::/apis/{{hex:10}}",
        apiEndpoint=f"https://{{hex:10}}.execute-api.{REGION}.amazonaws.com",
        executionArn=_arn("execute-api", "{hex:10}"),
    ),
    "aws:apigatewayv2/domainName:DomainName": _domain_name,
    "aws:apigatewayv2/integration:Integration": template(id="{hex:7}"),
    "aws:apigatewayv2/stage:Stage": lambda r: {"id": r.input("name"), "arn": _arn("apigateway", f"stages/{r.name}")},
    "aws:apigatewayv2/vpcLink:VpcLink": template(id="{hex:6}"),
    "aws:cloudwatch/logGroup:LogGroup": _by_name("logs", "log-group:{name}"),
    "aws:ec2/internetGateway:InternetGateway": _by_id("ec2", "internet-gateway", "igw-{hex:17}"),
    "aws:ec2/routeTable:RouteTable": _by_id("ec2", "route-table", "rtb-{hex:17}"),
    "aws:ec2/securityGroup:SecurityGroup": _by_id("ec2", "security-group", "sg-{hex:17}"),
    "aws:ec2/subnet:Subnet": _by_id("ec2", "subnet", "subnet-{hex:17}"),
    "aws:ec2/vpc:Vpc": _by_id("ec2", "vpc", "vpc-{hex:17}"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _by_id("ec2", "vpce", "vpce-{hex:17}"),
    "aws:ecr/repository:Repository": _by_name(
        "ecr",
        "repository/{name}",
        registryId=ACCOUNT,
        repositoryUrl=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{{name}}",
    ),
    "aws:ecs/cluster:Cluster": _by_arn("ecs", "cluster/{name}", name="{name}"),
    "aws:ecs/service:Service": _service,
    "aws:ecs/taskDefinition:TaskDefinition": template(
        id="{family}", arn=f"{FAMILY}:1", arnWithoutRevision=FAMILY, revision=1
    ),
    "aws:iam/role:Role": _by_name("iam", "role/{name}", region="", uniqueId="AROAEXAMPLE"),
    "aws:lb/listener:Listener": _by_arn("elasticloadbalancing", "listener/{name}/{hex:16}"),
    "aws:lb/loadBalancer:LoadBalancer": _by_arn(
        "elasticloadbalancing",
        "loadbalancer/app/{name}/{hex:16}",
        dnsName=f"{{name}}-{{number:9}}.{REGION}.elb.amazonaws.com",
        zoneId="Z32O12XQLNTSW2",
    ),
    "aws:lb/targetGroup:TargetGroup": _by_arn("elasticloadbalancing", "targetgroup/{name}/{hex:16}"),
    "aws:route53/record:Record": lambda r: {"id": r.hex(16), "fqdn": str(r.inputs.get("name", "")).rstrip(".")},
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketObjectv2:BucketObjectv2": template(id="{key}", etag="{hex:32}"),
    "aws:scheduler/schedule:Schedule": _by_name("scheduler", "schedule/{name}"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": _by_name("scheduler", "schedule-group/{name}"),
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": _by_id(
        "servicediscovery", "namespace", "ns-{hex:16}", hostedZone="Z0123456789ABC"
    ),
    "aws:servicediscovery/service:Service": _by_id(
        "servicediscovery", "service", "srv-{hex:16}", hostedZone="Z0123456789ABC"
    ),
    "aws:sqs/queue:Queue": template(
        id=f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{{name}}",
        url=f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{{name}}",
        arn=_arn("sqs", "{name}"),
        name="{name}",
    ),
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
