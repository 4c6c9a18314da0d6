"""Price lists in the vendors' documented shapes, served on this machine's loopback."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HEAD = (("FormatVersion", "v1.0"), ("Disclaimer", "This is no price list, but a test's"), ("OfferCode", "AmazonECS"))
COLUMNS = (
    "SKU",
    "OfferTermCode",
    "TermType",
    "StartingRange",
    "EndingRange",
    "Unit",
    "PricePerUnit",
    "Currency",
    "Product Family",
    "Location",
    "usageType",
    "operation",
)


def csv_list(*rows: Mapping[str, str]) -> bytes:
    """A file of AWS's, with the lines about itself before its columns."""
    usual = {"TermType": "OnDemand", "StartingRange": "0", "EndingRange": "Inf", "Currency": "USD", "Unit": "hours"}
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([*HEAD, COLUMNS])
    writer.writerows([[(usual | dict(row)).get(name, "") for name in COLUMNS] for row in rows])
    return text.getvalue().encode()


def azure_item(meter: str, price: str, unit: str = "1 Second", **more: Any) -> dict[str, Any]:
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": float(price),
        "armRegionName": "eastus",
        "meterId": f"id of {meter}",
        "meterName": meter,
        "productName": "Azure Container Apps",
        "skuName": "Standard",
        "unitOfMeasure": unit,
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        **more,
    }


def google_sku(description: str, *rates: tuple[float, str, int], unit: str = "s", region: str = "us-central1") -> Any:
    """A SKU with tiers (above, units, nanos)."""
    return {
        "name": f"services/152E-C115-5142/skus/{description}",
        "skuId": f"id of {' '.join(description.split())}",
        "description": description,
        "category": {
            "serviceDisplayName": "Cloud Run",
            "resourceFamily": "ApplicationServices",
            "usageType": "OnDemand",
        },
        "serviceRegions": [region],
        "pricingInfo": [
            {
                "pricingExpression": {
                    "usageUnit": unit,
                    "tieredRates": [
                        {
                            "startUsageAmount": above,
                            "unitPrice": {"currencyCode": "USD", "units": units, "nanos": nanos},
                        }
                        for above, units, nanos in rates
                    ],
                }
            }
        ],
    }


class Served:
    """A loopback server and what was asked of it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.pages: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.cut = 0
        self.url = ""

    def answer(self, target: str) -> bytes | None:
        path = urlsplit(target)
        if path.path == "/api/retail/prices":
            skip = int(parse_qs(path.query).get("$skip", ["0"])[0])
            sizes, place = [len(page["Items"]) for page in self.pages], 0
            while place < len(sizes) and sum(sizes[:place]) < skip:
                place += 1
            page = self.pages[place] if place < len(self.pages) else {"BillingCurrency": "USD", "Items": []}
            return json.dumps(page).encode()
        token = parse_qs(path.query).get("pageToken", [""])[0]
        return self.files.get(path.path + (f"?{token}" if token else ""))


@contextlib.contextmanager
def served(files: Mapping[str, bytes] | None = None, pages: Sequence[Mapping[str, Any]] = ()) -> Iterator[Served]:
    """A server of these files, and of these pages of Azure's API."""
    state = Served()
    state.files, state.pages = dict(files or {}), [dict(page) for page in pages]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            content = state.answer(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write((content or b"")[: len(content or b"") - state.cut])

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
