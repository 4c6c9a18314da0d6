"""What the real providers do with a changed input: replace the resource, and delete the old one first or last.

Which inputs replace: `ForceNew` and `RequiresReplace` in the Terraform providers that the bridged packages are made of
(hashicorp/terraform-provider-aws and -google, kreuzwerker/terraform-provider-docker), `willReplaceOnChanges` in the
schemas of docker and azure-native. What has no line here is updated in place whatever changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

ALL = "*"  # every input replaces

_AWS = {
    "acm/certificate:Certificate": "domainName keyAlgorithm subjectAlternativeNames validationMethod",
    "acm/certificateValidation:CertificateValidation": "certificateArn validationRecordFqdns",
    "apigatewayv2/api:Api": "protocolType",
    "apigatewayv2/apiMapping:ApiMapping": "apiId domainName",
    "apigatewayv2/domainName:DomainName": "domainName",
    "apigatewayv2/integration:Integration": "apiId integrationType",
    "apigatewayv2/route:Route": "apiId",
    "apigatewayv2/stage:Stage": "apiId name",
    "apigatewayv2/vpcLink:VpcLink": "securityGroupIds subnetIds",
    "appautoscaling/policy:Policy": "name resourceId scalableDimension serviceNamespace",
    "appautoscaling/target:Target": "resourceId scalableDimension serviceNamespace",
    "cloudwatch/logGroup:LogGroup": "logGroupClass name",
    "ec2/route:Route": "destinationCidrBlock destinationIpv6CidrBlock routeTableId",
    "ec2/routeTable:RouteTable": "vpcId",
    "ec2/routeTableAssociation:RouteTableAssociation": "subnetId",
    "ec2/securityGroup:SecurityGroup": "description name vpcId",
    "ec2/subnet:Subnet": "availabilityZone cidrBlock vpcId",
    "ec2/vpc:Vpc": "cidrBlock",
    "ec2/vpcEndpoint:VpcEndpoint": "serviceName vpcEndpointType vpcId",
    "ecr/lifecyclePolicy:LifecyclePolicy": "policy repository",
    "ecr/repository:Repository": "encryptionConfigurations name",
    "ecs/cluster:Cluster": "name",
    "ecs/service:Service": "cluster iamRole launchType name schedulingStrategy",
    "ecs/taskDefinition:TaskDefinition": "containerDefinitions cpu ephemeralStorage executionRoleArn family memory "
    "networkMode requiresCompatibilities runtimePlatform taskRoleArn volumes",
    "iam/role:Role": "name path",
    "iam/rolePolicy:RolePolicy": "name role",
    "lb/listener:Listener": "loadBalancerArn",
    "lb/loadBalancer:LoadBalancer": "internal loadBalancerType name",
    "lb/targetGroup:TargetGroup": "name port protocol targetType vpcId",
    "route53/record:Record": "name setIdentifier zoneId",
    "s3/bucket:Bucket": "bucket bucketPrefix",
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket",
    "s3/bucketObjectv2:BucketObjectv2": "bucket key",
    "s3/bucketOwnershipControls:BucketOwnershipControls": "bucket",
    "s3/bucketPolicy:BucketPolicy": "bucket",
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "bucket",
    "s3/bucketVersioning:BucketVersioning": "bucket",
    "scheduler/schedule:Schedule": "groupName name",
    "scheduler/scheduleGroup:ScheduleGroup": "name",
    "secretsmanager/secret:Secret": "name",
    "secretsmanager/secretVersion:SecretVersion": "secretId secretStringWoVersion",
    "servicediscovery/privateDnsNamespace:PrivateDnsNamespace": "name vpc",
    "servicediscovery/service:Service": "name namespaceId dnsConfig.namespaceId dnsConfig.routingPolicy",
    "sqs/queue:Queue": "fifoQueue name",
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": "securityGroupId",
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": "securityGroupId",
}
_AZURE = {
    "app:ContainerApp": "containerAppName environmentId location managedEnvironmentId resourceGroupName",
    "app:Job": "environmentId jobName location resourceGroupName",
    "app:ManagedCertificate": "environmentName location managedCertificateName resourceGroupName",
    "app:ManagedEnvironment": "environmentName location resourceGroupName",
    "authorization:RoleAssignment": ALL,
    "authorization:RoleDefinition": "roleDefinitionId scope",
    "containerregistry:Registry": "location registryName resourceGroupName",
    "keyvault:Secret": "resourceGroupName secretName vaultName",
    "keyvault:Vault": "location resourceGroupName vaultName",
    "managedidentity:UserAssignedIdentity": "location resourceGroupName resourceName",
    "monitor:DiagnosticSetting": "name resourceUri",
    "operationalinsights:Workspace": "location resourceGroupName workspaceName",
    "resources:ResourceGroup": "location resourceGroupName",
    "storage:Blob": "accountName blobName containerName contentMd5 resourceGroupName source type",
    "storage:BlobContainer": "accountName containerName resourceGroupName",
    "storage:BlobServiceProperties": "accountName resourceGroupName",
    "storage:ManagementPolicy": "accountName resourceGroupName",
    "storage:StorageAccount": "accountName location resourceGroupName",
}
_GCP = {
    "artifactregistry/repository:Repository": "format kmsKeyName location mode project repositoryId",
    "cloudrunv2/job:Job": "location name project",
    "cloudrunv2/jobIamMember:JobIamMember": ALL,
    "cloudrunv2/service:Service": "location name project",
    "cloudrunv2/serviceIamMember:ServiceIamMember": ALL,
    "cloudscheduler/job:Job": "name project region",
    "compute/backendService:BackendService": "name project",
    "compute/globalAddress:GlobalAddress": ALL,
    "compute/globalForwardingRule:GlobalForwardingRule": "ipAddress ipProtocol name network portRange project",
    "compute/managedSslCertificate:ManagedSslCertificate": ALL,
    "compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup": ALL,
    "compute/sSLPolicy:SSLPolicy": "description name project",
    "compute/targetHttpProxy:TargetHttpProxy": "description name project proxyBind",
    "compute/targetHttpsProxy:TargetHttpsProxy": "description name project proxyBind",
    "compute/uRLMap:URLMap": "name project",
    "logging/projectBucketConfig:ProjectBucketConfig": "bucketId location project",
    "logging/projectSink:ProjectSink": "name project",
    "projects/service:Service": "project service",
    "secretmanager/secret:Secret": "project replication secretId",
    "secretmanager/secretIamMember:SecretIamMember": ALL,
    "secretmanager/secretVersion:SecretVersion": "isSecretDataBase64 secret secretData secretDataWoVersion",
    "serviceaccount/account:Account": "accountId project",
    "storage/bucket:Bucket": "location name project",
    "storage/bucketIAMMember:BucketIAMMember": ALL,
    "storage/bucketObject:BucketObject": "bucket contentType metadata name source storageClass",
}
_DOCKER = {
    "docker:index/container:Container": "capabilities command cpus devices dns entrypoints envs groupAdds hostname hosts "
    "image ipcMode labels logDriver logOpts mounts name networkMode networksAdvanced pidMode ports privileged readOnly "
    "runtime securityOpts shmSize stopSignal stopTimeout sysctls tty ulimits uploads user usernsMode volumes workingDir",
    "docker:index/network:Network": ALL,
    "docker:index/remoteImage:RemoteImage": "name platform pullTriggers triggers",
    "docker:index/volume:Volume": "driver driverOpts labels name",
    "random:index/randomId:RandomId": ALL,
    "random:index/randomPassword:RandomPassword": ALL,
}
REPLACED_BY: Mapping[str, frozenset[str]] = {
    f"{package}{type_}": frozenset(keys.split())
    for package, table in (("aws:", _AWS), ("azure-native:", _AZURE), ("gcp:", _GCP), ("", _DOCKER))
    for type_, keys in table.items()
}

# What has revisions that share an id: what the cloud has given a revision, and an update leaves alone.
REVISIONED: Mapping[str, tuple[str, ...]] = {"aws:ecs/taskDefinition:TaskDefinition": ("arn", "revision")}

# The input that names it, which Terraform's bridge would draw by itself where it is not given, and what it is unique in.
NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "aws:apigatewayv2/stage:Stage": ("name", "apiId"),
    "aws:cloudwatch/logGroup:LogGroup": ("name",),
    "aws:ec2/securityGroup:SecurityGroup": ("name", "vpcId"),
    "aws:ecr/repository:Repository": ("name",),
    "aws:ecs/cluster:Cluster": ("name",),
    "aws:ecs/service:Service": ("name", "cluster"),
    "aws:iam/role:Role": ("name",),
    "aws:iam/rolePolicy:RolePolicy": ("name", "role"),
    "aws:lb/loadBalancer:LoadBalancer": ("name",),
    "aws:lb/targetGroup:TargetGroup": ("name",),
    "aws:scheduler/schedule:Schedule": ("name", "groupName"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": ("name",),
    "aws:secretsmanager/secret:Secret": ("name",),
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": ("name", "vpc"),
    "aws:servicediscovery/service:Service": ("name",),
    "aws:sqs/queue:Queue": ("name",),
    "docker:index/container:Container": ("name",),
    "docker:index/network:Network": ("name",),
    "gcp:cloudrunv2/job:Job": ("name", "location"),
    "gcp:cloudrunv2/service:Service": ("name", "location"),
    "gcp:cloudscheduler/job:Job": ("name", "region"),
    "gcp:compute/backendService:BackendService": ("name",),
    "gcp:compute/globalAddress:GlobalAddress": ("name",),
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": ("name",),
    "gcp:compute/managedSslCertificate:ManagedSslCertificate": ("name",),
    "gcp:compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup": ("name", "region"),
    "gcp:compute/sSLPolicy:SSLPolicy": ("name",),
    "gcp:compute/targetHttpProxy:TargetHttpProxy": ("name",),
    "gcp:compute/targetHttpsProxy:TargetHttpsProxy": ("name",),
    "gcp:compute/uRLMap:URLMap": ("name",),
    "gcp:logging/projectSink:ProjectSink": ("name",),
    "gcp:storage/bucket:Bucket": ("name",),
}
# Made again, these are what was there before or take its place: `docker volume create`, a log bucket that Terraform's
# provider takes on, and objects. azure-native refuses a blob that is there.
TAKEN_ON = (
    "aws:s3/bucketObjectv2:BucketObjectv2",
    "docker:index/volume:Volume",
    "gcp:logging/projectBucketConfig:ProjectBucketConfig",
    "gcp:storage/bucketObject:BucketObject",
)


# What a failed creation has not yet: resource_cloud_run_v2_service.go sets the id, then waits, then reads the rest.
LACKING: Mapping[str, tuple[str, ...]] = {"gcp:cloudrunv2/service:Service": ("uri", "urls", "latestReadyRevision")}
# What a cloud deletes with what it is in, by the input that names the latter.
# https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview
# https://learn.microsoft.com/azure/container-apps/environment
INSIDE: Mapping[str, tuple[str, str]] = {
    "azure-native:app:Certificate": ("azure-native:app:ManagedEnvironment", "environmentName"),
    "azure-native:app:ManagedCertificate": ("azure-native:app:ManagedEnvironment", "environmentName"),
    "azure-native:keyvault:Secret": ("azure-native:keyvault:Vault", "vaultName"),
}


class Held(Protocol):
    """What exists, by its type and inputs."""

    @property
    def type(self) -> str: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...


def is_inside(thing: Held, other: Held) -> bool:
    """Whether the thing goes with the other."""
    holder, key = INSIDE.get(thing.type, ("", ""))
    return other.type == holder and thing.inputs.get(key) == other.inputs.get(key)


def deleted_first(type_: str, old: Mapping[str, object], new: Mapping[str, object]) -> bool:
    """Whether the old one must go before the new one comes: always, or because the new one has the same chosen name.

    https://github.com/pulumi/pulumi-terraform-bridge/blob/main/pkg/tfbridge/schema.go (nameRequiresDeleteBeforeReplace),
    https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/provider/provider.go (Diff)
    """
    if type_.startswith("azure-native:") or type_ == "docker:index/container:Container":
        return True
    name = NAMED_BY.get(type_, ("",))[0]
    return old.get(name) is not None and old.get(name) == new.get(name)
