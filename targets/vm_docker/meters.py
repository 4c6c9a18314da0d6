"""The price book's entries: EC2's price list file, and Azure's virtual machines.

Google prices processors and memory separately, by family: change those by hand.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api-fetching-price-list-files-manually.html
https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from __future__ import annotations

from unmoor.prices.aws import Aws
from unmoor.prices.azure import Azure
from unmoor.prices.price_list import PriceSources
from unmoor.prices.sku import SkuQuery

SIZES = ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge")
EC2 = (
    *(f"{family}.{size}" for family in ("t4g", "t3") for size in SIZES),
    *("m7g.large", "m7g.xlarge", "m7g.2xlarge", "m6i.large", "c7g.large", "m7i.large"),
)
AZURE = {
    "B1s": "BS Series",
    "B1ms": "BS Series",
    "B2s": "BS Series",
    "B2ms": "BS Series",
    "B2s_v2": "Bsv2 Series",
    "D2s_v5": "Dsv5 Series",
    "D4s_v5": "Dsv5 Series",
    "D8s_v5": "Dsv5 Series",
    "D2as_v5": "Dasv5 Series",
}
HOURS = {"Hrs": "1", "1 Hour": "1"}


def _ec2(size: str) -> SkuQuery:
    # Shared tenancy, Linux, no software, on demand: each combination is its own product.
    match = {
        "instancetype": size,
        "tenancy": "Shared",
        "operatingsystem": "Linux",
        "preinstalleds/w": "NA",
        "capacitystatus": "Used",
        "operation": "RunInstances",
    }
    return SkuQuery(price=size, vendor="aws", file="AmazonEC2", match=match, units=HOURS)


def _azure(size: str, series: str) -> SkuQuery:
    # The product's name tells Linux from Windows, and the SKU's tells it from spot and low priority.
    name = size.replace("_", " ")
    match = {
        "armSkuName": f"Standard_{size}",
        "productName": f"Virtual Machines {series}",
        "skuName": name,
    }
    return SkuQuery(price=size, vendor="azure", file="Virtual Machines", match=match, units=HOURS)


METERS = (
    *(_ec2(size) for size in EC2),
    *(_azure(size, series) for size, series in AZURE.items()),
    SkuQuery(
        price="disk",
        vendor="aws",
        file="AmazonEC2",
        match={"usagetype": "{prefix}EBS:VolumeUsage.gp3"},
        units={"GB-Mo": "1"},
    ),
    SkuQuery(
        price="address",
        vendor="aws",
        file="AmazonVPC",
        match={"usagetype": "{prefix}PublicIPv4:InUseAddress"},
        units=HOURS,
    ),
    SkuQuery(
        price="egress",
        vendor="aws",
        file="AWSDataTransfer",
        match={"usagetype": "{prefix}DataTransfer-Out-Bytes", "transfertype": "AWS Outbound"},
        units={"GB": "1"},
    ),
)
PRICE_SOURCES = PriceSources(queries=METERS, vendors={"aws": Aws, "azure": Azure})
