"""The price book's entries in Azure's retail prices:
https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from __future__ import annotations

from unmoor.prices.azure import Azure
from unmoor.prices.price_list import PriceSources
from unmoor.prices.sku import SkuQuery

APPS, STORAGE, LOGS = "Azure Container Apps", "Storage", "Log Analytics"
SECONDS, GIB_SECONDS, HOURS = {"1 Second": "1"}, {"1 GiB Second": "1"}, {"1 Hour": "1"}
GIB_HOURS = {"1 GiB Hour": "1", "1 Hour": "1"}
KEPT, SENT, TEN_THOUSAND = {"1 GB/Month": "1"}, {"1 GB": "1"}, {"10K": "10000"}


def _meter(price: str, file: str, name: str, units: dict[str, str], **more: str) -> SkuQuery:
    return SkuQuery(price=price, vendor="azure", file=file, match={"meterName": name, **more}, units=units)


def _store(price: str, name: str, units: dict[str, str]) -> SkuQuery:
    return _meter(price, STORAGE, name, units, productName="General Block Blob v2", skuName="Hot LRS")


METERS = (
    _meter("active-cpu", APPS, "Standard vCPU Active Usage", SECONDS),
    _meter("active-memory", APPS, "Standard Memory Active Usage", GIB_SECONDS),
    _meter("idle-cpu", APPS, "Standard vCPU Idle Usage", SECONDS),
    _meter("idle-memory", APPS, "Standard Memory Idle Usage", GIB_SECONDS),
    _meter("request", APPS, "Standard Requests", {"1M": "1000000"}),
    _meter("machine-fee", APPS, "Dedicated Plan Management", HOURS),
    _meter("machine-cpu", APPS, "Dedicated vCPU Usage", HOURS),
    _meter("machine-memory", APPS, "Dedicated Memory Usage", GIB_HOURS),
    _store("store-kept", "Hot LRS Data Stored", KEPT),
    _store("store-write", "Hot LRS Write Operations", TEN_THOUSAND),
    _store("store-read", "Hot Read Operations", TEN_THOUSAND),
    _meter("logs-written", LOGS, "Analytics Logs Data Ingestion", SENT),
    _meter("logs-kept", LOGS, "Analytics Logs Data Retention", KEPT),
    _meter("secret-read", "Key Vault", "Operations", TEN_THOUSAND, skuName="Standard"),
    _meter("registry", "Container Registry", "Basic Registry Unit", {"1/Day": "1"}),
    _meter("egress", "Bandwidth", "Standard Data Transfer Out", SENT, productName="Rtn Preference: MGN"),
)
PRICE_SOURCES = PriceSources(queries=METERS, vendors={"azure": Azure})
