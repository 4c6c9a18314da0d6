"""Stand-ins for AWS' computed outputs. ARNs: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from unmoor.recording.stand_ins.base import ACCOUNT, FakeResource, Outputs, canonical

REGION = "eu-west-1"


def _arn(service: str, what: str, *, region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:aws:{service}:{region}:{account}:{what}"


def _identified(prefix: str) -> Callable[[FakeResource], Outputs]:
    def outputs(asked: FakeResource) -> Outputs:
        identity = f"{prefix}-{asked.hex(17)}"
        kind = {"sg": "security-group", "igw": "internet-gateway", "rtb": "route-table"}.get(prefix, prefix)
        return {"id": identity, "arn": _arn("ec2", f"{kind}/{identity}")}

    return outputs


def _role(asked: FakeResource) -> Outputs:
    name = asked.input("name")
    return {"id": name, "name": name, "arn": _arn("iam", f"role/{name}", region=""), "uniqueId": "AROAEXAMPLE"}


def _bucket(asked: FakeResource) -> Outputs:
    name = asked.inputs.get("bucket") or f"{asked.input('bucketPrefix')}{asked.number(20)}"
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com",
    }


def _cluster(asked: FakeResource) -> Outputs:
    name = asked.input("name")
    arn = _arn("ecs", f"cluster/{name}")
    return {"id": arn, "arn": arn, "name": name}


def _task(asked: FakeResource) -> Outputs:
    family = _arn("ecs", f"task-definition/{asked.input('family')}")
    return {"id": asked.input("family"), "arn": f"{family}:1", "arnWithoutRevision": family, "revision": 1}


def _service(asked: FakeResource) -> Outputs:
    arn = _arn("ecs", f"service/{str(asked.inputs.get('cluster')).rsplit('/', 1)[-1]}/{asked.input('name')}")
    return {"id": arn, "arn": arn, "name": asked.input("name")}


def _secret(asked: FakeResource) -> Outputs:
    name = asked.inputs.get("name") or f"{asked.input('namePrefix')}{asked.number(26)}"
    arn = _arn("secretsmanager", f"secret:{name}-{asked.hex(6)}")
    return {"id": arn, "arn": arn, "name": name}


def _secret_version(asked: FakeResource) -> Outputs:
    # The version is another one whenever the value is, which the cloud knows by the write-only value's version.
    version = FakeResource(
        type=asked.type, name=f"{asked.name}{canonical(asked.inputs.get('secretStringWoVersion'))}", inputs={}
    ).uuid()
    return {"id": f"{asked.inputs.get('secretId')}|{version}", "versionId": version}


def _log_group(asked: FakeResource) -> Outputs:
    name = asked.input("name")
    return {"id": name, "name": name, "arn": _arn("logs", f"log-group:{name}")}


def _queue(asked: FakeResource) -> Outputs:
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{asked.input('name')}"
    return {"id": url, "url": url, "arn": _arn("sqs", asked.input("name")), "name": asked.input("name")}


def _repository(asked: FakeResource) -> Outputs:
    name = asked.input("name")
    return {
        "id": name,
        "name": name,
        "arn": _arn("ecr", f"repository/{name}"),
        "registryId": ACCOUNT,
        "repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}",
    }


def _api(asked: FakeResource) -> Outputs:
    identity = asked.hex(10)
    return {
        "id": identity,
        "arn": f"arn:aws:apigateway:{REGION}::/apis/{identity}",
        "apiEndpoint": f"https://{identity}.execute-api.{REGION}.amazonaws.com",
        "executionArn": _arn("execute-api", identity),
    }


def _domain_name(asked: FakeResource) -> Outputs:
    configuration = {
        **asked.inputs.get("domainNameConfiguration", {}),
        "targetDomainName": f"d-{asked.hex(10)}.execute-api.{REGION}.amazonaws.com",
        "hostedZoneId": "ZLY8HYME6SFDD",
    }
    return {"id": asked.input("domainName"), "domainNameConfiguration": configuration}


def _discovery(kind: str, prefix: str) -> Callable[[FakeResource], Outputs]:
    def outputs(asked: FakeResource) -> Outputs:
        identity = f"{prefix}-{asked.hex(16)}"
        return {"id": identity, "arn": _arn("servicediscovery", f"{kind}/{identity}"), "hostedZone": "Z0123456789ABC"}

    return outputs


def _balancer(asked: FakeResource) -> Outputs:
    name = asked.input("name")
    arn = _arn("elasticloadbalancing", f"loadbalancer/app/{name}/{asked.hex(16)}")
    dns = f"{name}-{asked.number(9)}.{REGION}.elb.amazonaws.com"
    return {"id": arn, "arn": arn, "dnsName": dns, "zoneId": "Z32O12XQLNTSW2"}


def _balancing(kind: str) -> Callable[[FakeResource], Outputs]:
    def outputs(asked: FakeResource) -> Outputs:
        arn = _arn("elasticloadbalancing", f"{kind}/{asked.input('name')}/{asked.hex(16)}")
        return {"id": arn, "arn": arn}

    return outputs


def _certificate(asked: FakeResource) -> Outputs:
    arn = _arn("acm", f"certificate/{asked.uuid()}")
    proof = {
        "domainName": asked.input("domainName"),
        "resourceRecordName": f"_{asked.hex(32)}.{asked.input('domainName')}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": f"_{asked.hex(32, 'value')}.acm-validations.aws.",
    }
    return {"id": arn, "arn": arn, "domainValidationOptions": [proof]}


def _named(service: str, kind: str) -> Callable[[FakeResource], Outputs]:
    def outputs(asked: FakeResource) -> Outputs:
        name = asked.input("name")
        return {"id": name, "name": name, "arn": _arn(service, f"{kind}/{name}")}

    return outputs


AWS: Mapping[str, Callable[[FakeResource], Outputs]] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:acm/certificateValidation:CertificateValidation": lambda a: {"id": a.uuid()},
    "aws:apigatewayv2/api:Api": _api,
    "aws:apigatewayv2/domainName:DomainName": _domain_name,
    "aws:apigatewayv2/integration:Integration": lambda a: {"id": a.hex(7)},
    "aws:apigatewayv2/stage:Stage": lambda a: {"id": a.input("name"), "arn": _arn("apigateway", f"stages/{a.name}")},
    "aws:apigatewayv2/vpcLink:VpcLink": lambda a: {"id": a.hex(6)},
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
    "aws:route53/record:Record": lambda a: {"id": a.hex(16), "fqdn": str(a.inputs.get("name", "")).rstrip(".")},
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketObjectv2:BucketObjectv2": lambda a: {"id": a.input("key"), "etag": a.hex(32)},
    "aws:scheduler/schedule:Schedule": _named("scheduler", "schedule"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": _named("scheduler", "schedule-group"),
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": _discovery("namespace", "ns"),
    "aws:servicediscovery/service:Service": _discovery("service", "srv"),
    "aws:sqs/queue:Queue": _queue,
}
