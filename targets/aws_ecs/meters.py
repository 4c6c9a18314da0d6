"""The price book's entries in AWS's price list files:
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api-fetching-price-list-files-manually.html
"""

from __future__ import annotations

from unmoor.prices.aws import Aws
from unmoor.prices.price_list import PriceSources
from unmoor.prices.sku import SkuQuery

HOURS = {"Hrs": "1", "hours": "1", "Hours": "1"}
GIB = {"GB": "1"}
GIB_MONTHS = {"GB-Mo": "1", "GB-Month": "1"}
REQUESTS = {"Requests": "1", "API Requests": "1"}


def _meter(
    price: str, file: str, usage: str, units: dict[str, str], *, everywhere: bool = False, **more: str
) -> SkuQuery:
    match = {"usagetype": usage, **more}
    return SkuQuery(price=price, vendor="aws", file=file, match=match, units=units, everywhere=everywhere)


# The usage type of schedules is unknown: change that price by hand.
METERS = (
    _meter("task-amd64-cpu", "AmazonECS", "{prefix}Fargate-vCPU-Hours:perCPU", HOURS),
    _meter("task-amd64-memory", "AmazonECS", "{prefix}Fargate-GB-Hours", HOURS | {"GB-Hours": "1"}),
    _meter("task-arm64-cpu", "AmazonECS", "{prefix}Fargate-ARM-vCPU-Hours:perCPU", HOURS),
    _meter("task-arm64-memory", "AmazonECS", "{prefix}Fargate-ARM-GB-Hours", HOURS | {"GB-Hours": "1"}),
    _meter("task-disk", "AmazonECS", "{prefix}Fargate-EphemeralStorage-GB-Hours", {"GB-Hours": "1", "GB-hours": "1"}),
    _meter("address", "AmazonVPC", "{prefix}PublicIPv4:InUseAddress", HOURS),
    _meter("http-api", "AmazonApiGateway", "{prefix}ApiGatewayHttpRequest", REQUESTS),
    _meter("alarm", "AmazonCloudWatch", "{prefix}CW:AlarmMonitorUsage", {"Alarms": "1"}),
    _meter("zone", "AmazonRoute53", "HostedZone", {"Zone": "1", "HostedZone": "1", "Mo": "1"}, everywhere=True),
    _meter("balancer", "AWSELB", "{prefix}LoadBalancerUsage", HOURS, productfamily="Load Balancer-Application"),
    _meter(
        "balancer-capacity",
        "AWSELB",
        "{prefix}LCUUsage",
        {"LCU-Hrs": "1", "LCU-hours": "1"},
        productfamily="Load Balancer-Application",
    ),
    _meter("nat", "AmazonEC2", "{prefix}NatGateway-Bytes", GIB, productfamily="NAT Gateway"),
    _meter("store-kept", "AmazonS3", "{prefix}TimedStorage-ByteHrs", GIB_MONTHS, productfamily="Storage"),
    _meter("store-write", "AmazonS3", "{prefix}Requests-Tier1", REQUESTS, productfamily="API Request"),
    _meter("store-read", "AmazonS3", "{prefix}Requests-Tier2", REQUESTS, productfamily="API Request"),
    _meter("logs-written", "AmazonCloudWatch", "{prefix}DataProcessing-Bytes", GIB),
    _meter("logs-kept", "AmazonCloudWatch", "{prefix}TimedStorage-ByteHrs", GIB_MONTHS),
    _meter("secret", "AWSSecretsManager", "{prefix}AWSSecretsManager-Secrets", {"Secrets": "1", "Secret": "1"}),
    _meter("secret-read", "AWSSecretsManager", "{prefix}AWSSecretsManagerAPIRequest", REQUESTS),
    _meter("image", "AmazonECR", "{prefix}TimedStorage-ByteHrs", GIB_MONTHS),
    _meter("egress", "AWSDataTransfer", "{prefix}DataTransfer-Out-Bytes", GIB, transfertype="AWS Outbound"),
)
PRICE_SOURCES = PriceSources(queries=METERS, vendors={"aws": Aws})
