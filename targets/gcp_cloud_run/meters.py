"""The price book's entries in Google's billing catalog: https://cloud.google.com/billing/v1/how-tos/catalog-api"""

from __future__ import annotations

from unmoor.prices.google import Google
from unmoor.prices.price_list import PriceSources
from unmoor.prices.sku import SkuQuery

RUN = "Cloud Run"
SECONDS, GIB_SECONDS, HOURS = {"s": "1"}, {"GiBy.s": "1"}, {"h": "1"}
COUNT, GIB, GIB_MONTHS = {"count": "1"}, {"GiBy": "1"}, {"GiBy.mo": "1"}


def _meter(price: str, file: str, description: str, units: dict[str, str], *, everywhere: bool = False) -> SkuQuery:
    match = {"description": description}
    return SkuQuery(price=price, vendor="google", file=file, match=match, units=units, everywhere=everywhere)


# Names of storage and traffic differ by region in the catalog: change those prices by hand.
METERS = (
    _meter("request-cpu", RUN, "Services CPU (Request-based billing)", SECONDS),
    _meter("request-memory", RUN, "Services Memory (Request-based billing)", GIB_SECONDS),
    _meter("idle-cpu", RUN, "Services Min Instance CPU (Request-based billing)", SECONDS),
    _meter("idle-memory", RUN, "Services Min Instance Memory (Request-based billing)", GIB_SECONDS),
    _meter("instance-cpu", RUN, "Services CPU (Instance-based billing) in {region}", SECONDS),
    _meter("instance-memory", RUN, "Services Memory (Instance-based billing) in {region}", GIB_SECONDS),
    _meter("request", RUN, "Requests", COUNT, everywhere=True),
    _meter("image", "Artifact Registry", "Artifact Registry Storage", GIB_MONTHS, everywhere=True),
    _meter("secret", "Secret Manager", "Secret version replica storage", {"mo": "1"}, everywhere=True),
    _meter("secret-read", "Secret Manager", "Secret access operations", COUNT, everywhere=True),
    _meter("schedule", "Cloud Scheduler", "Jobs", {"mo": "1", "count": "1"}, everywhere=True),
    _meter("logs-written", "Cloud Logging", "Log Storage cost", GIB, everywhere=True),
    _meter("logs-kept", "Cloud Logging", "Log Retention cost", GIB_MONTHS, everywhere=True),
)
PRICE_SOURCES = PriceSources(queries=METERS, vendors={"google": Google})
