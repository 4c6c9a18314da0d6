"""Price books made new from lists in the vendors' documented shapes, with the traps that are known of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from lists import Served, azure_item, csv_list, google_sku, served

from unmoor.prices.aws import Aws
from unmoor.prices.azure import Azure
from unmoor.prices.book_writer import book_text
from unmoor.prices.diff import Refreshed
from unmoor.prices.google import Google
from unmoor.prices.price_list import PriceList, PriceSources
from unmoor.prices.refresh import refresh
from unmoor.prices.sku import RefreshError, SkuQuery
from unmoor.pricing.price_book import Allowance, Price, PriceBook, Tier
from unmoor.pricing.price_book_file import read_book
from unmoor.target import Target
from unmoor.target.registry import load, names

D = Decimal
TODAY = date(2026, 11, 25)
ECS, US = "/offers/v1.0/aws/AmazonECS/current/us-east-1/index.csv", "us-east-1"


def price(id: str = "cpu", value: str = "0.04", unit: str = "vCPU-hour", region: str = US, **more: Any) -> Price:
    usual: dict[str, Any] = {"source": "https://example.com/", "as_of": date(2026, 1, 1), "sure": "page"}
    return Price(id=id, value=D(value), unit=unit, region=region, **{**usual, **more})


def cpu(usage: str = "{prefix}Fargate-vCPU-Hours:perCPU", **more: Any) -> SkuQuery:
    usual: dict[str, Any] = {"vendor": "aws", "file": "AmazonECS", "units": {"hours": "1"}}
    return SkuQuery(price="cpu", match={"usagetype": usage}, **{**usual, **more})


def made(server: Served, book: PriceBook, *meters: SkuQuery, regions: Sequence[str] = ()) -> Refreshed:
    sources: dict[str, PriceList] = {
        "aws": Aws(server.url),
        "azure": Azure(server.url),
        "google": Google("secret-key", server.url),
    }
    return refresh(book, meters, sources=sources, regions=regions, today=TODAY)


def refused(server: Served, book: PriceBook, *meters: SkuQuery, regions: Sequence[str] = ()) -> str:
    with pytest.raises(RefreshError) as caught:
        made(server, book, *meters, regions=regions)
    return str(caught.value).replace(server.url, "URL")


ROW = {"SKU": "A1", "usageType": "USE1-Fargate-vCPU-Hours:perCPU", "PricePerUnit": "0.0500000000"}
BOOK = PriceBook(prices=(price(),))


def test_a_price_is_taken_with_its_sku_the_files_address_its_hash_and_the_day() -> None:
    content = csv_list(ROW)
    with served({ECS: content}) as server:
        found = made(server, BOOK, cpu())
        after = found.book.prices[0]
        assert (after.value, after.sku, after.sure, after.as_of) == (D("0.05"), ROW["usageType"], "api", TODAY)
    assert after.source == f"https://pricing.us-east-1.amazonaws.com{ECS}"
    assert after.sha256 == hashlib.sha256(content).hexdigest()
    assert [str(c) for c in found.changes] == ["cpu in us-east-1: 0.04 -> 0.05 vCPU-hour (+25.0%)"]


def test_look_alikes_reservations_and_other_currencies_are_not_the_price() -> None:
    rows = [
        ROW,
        {**ROW, "SKU": "A2", "usageType": "USE1-Outposts-Fargate-vCPU-Hours:perCPU", "PricePerUnit": "9"},
        {**ROW, "SKU": "A3", "usageType": "TS-Fargate-vCPU-Hours:perCPU", "PricePerUnit": "9"},
        {**ROW, "TermType": "Reserved", "PricePerUnit": "999"},
        {**ROW, "Currency": "CNY", "PricePerUnit": "9"},
    ]
    with served({ECS: csv_list(*rows)}) as server:
        assert made(server, BOOK, cpu()).book.prices[0].value == D("0.05")


def test_the_oldest_usage_types_of_us_east_1_have_no_prefix() -> None:
    with served({ECS: csv_list({**ROW, "usageType": "NatGateway-Bytes"})}) as server:
        assert made(server, BOOK, cpu("{prefix}NatGateway-Bytes")).book.prices[0].value == D("0.05")


def test_two_products_are_refused_and_both_are_shown() -> None:
    rows = [ROW, {**ROW, "SKU": "A2", "PricePerUnit": "0.06"}]
    with served({ECS: csv_list(*rows)}) as server:
        assert refused(server, BOOK, cpu()) == (
            "cpu in us-east-1: AmazonECS has several with usagetype Fargate-vCPU-Hours:perCPU or "
            "USE1-Fargate-vCPU-Hours:perCPU:\n"
            "  A1: USE1-Fargate-vCPU-Hours:perCPU, 0.0500000000 for hours above 0\n"
            "  A2: USE1-Fargate-vCPU-Hours:perCPU, 0.06 for hours above 0"
        )


def test_no_product_is_refused_and_the_nearest_are_shown() -> None:
    with served({ECS: csv_list({**ROW, "usageType": "USE1-Fargate-vCPU-Hours"})}) as server:
        assert refused(server, BOOK, cpu()) == (
            "cpu in us-east-1: AmazonECS has nothing with usagetype Fargate-vCPU-Hours:perCPU or "
            "USE1-Fargate-vCPU-Hours:perCPU; nearest: USE1-Fargate-vCPU-Hours"
        )


def test_another_unit_is_refused() -> None:
    with served({ECS: csv_list({**ROW, "Unit": "seconds"})}) as server:
        assert refused(server, BOOK, cpu()) == (
            "cpu in us-east-1: USE1-Fargate-vCPU-Hours:perCPU is counted in seconds, not in hours"
        )


def test_a_first_tier_that_costs_nothing_is_what_is_free_and_the_others_begin_behind_it() -> None:
    rows = [
        {**ROW, "EndingRange": "5", "PricePerUnit": "0.0000000000"},
        {**ROW, "StartingRange": "5", "EndingRange": "100", "PricePerUnit": "0.5"},
        {**ROW, "StartingRange": "100", "PricePerUnit": "0.4"},
    ]
    free: dict[str, Any] = {"source": "https://example.com/", "as_of": date(2026, 1, 1), "sure": "page"}
    allowance = Allowance(id="free", covers=("cpu",), quantity=D(3), unit="vCPU-hour", **free)
    with served({ECS: csv_list(*rows)}) as server:
        found = made(server, PriceBook(prices=(price(),), allowances=(allowance,)), cpu())
    after = found.book.prices[0]
    assert (after.value, after.tiers) == (D("0.5"), (Tier(above=D(95), value=D("0.4")),))
    assert found.book.allowances[0].quantity == 5
    assert found.notes == ("cpu in us-east-1: free were 3 vCPU-hour, and are 5",)


def test_what_costs_nothing_at_all_is_no_list_price() -> None:
    with served({ECS: csv_list({**ROW, "PricePerUnit": "0"})}) as server:
        assert refused(server, BOOK, cpu()) == (
            "cpu in us-east-1: USE1-Fargate-vCPU-Hours:perCPU costs nothing there, which is no list price"
        )


def test_a_price_for_many_units_stays_one() -> None:
    book = PriceBook(prices=(price(value="0.005", unit="request", per=D(1000)),))
    with served({ECS: csv_list({**ROW, "PricePerUnit": "0.0000050000"})}) as server:
        found = made(server, book, cpu())
    assert found.book.prices[0].value == D("0.005")
    assert not found.changes[0].differs


def test_a_region_that_the_book_does_not_have_is_added() -> None:
    path = ECS.replace(US, "eu-central-1")
    with served({path: csv_list({**ROW, "usageType": "EUC1-Fargate-vCPU-Hours:perCPU"})}) as server:
        found = made(server, BOOK, cpu(), regions=["eu-central-1"])
    assert [p.region for p in found.book.prices] == [US, "eu-central-1"]
    assert str(found.changes[0]) == "cpu in eu-central-1: new, 0.05 vCPU-hour"


def test_a_price_for_everywhere_goes_by_the_vendors_home_and_gets_an_entry_where_it_differs() -> None:
    book = PriceBook(prices=(price(region="*"),))
    euc = csv_list({**ROW, "usageType": "EUC1-Fargate-vCPU-Hours:perCPU", "PricePerUnit": "0.06"})
    with served({ECS: csv_list(ROW), ECS.replace(US, "eu-central-1"): euc}) as server:
        found = made(server, book, cpu(), regions=[US, "eu-central-1"])
    assert [(p.region, p.value) for p in found.book.prices] == [("*", D("0.05")), ("eu-central-1", D("0.06"))]


def test_a_region_of_nobody_and_one_without_a_known_prefix_are_refused() -> None:
    with served({ECS.replace(US, "mx-central-1"): csv_list(ROW)}) as server:
        assert refused(server, BOOK, cpu(), regions=["Mars"]) == "Mars: is not a region of aws"
        assert refused(server, BOOK, cpu(), regions=["mx-central-1"]).startswith(
            "mx-central-1: what AWS's usage types begin with there is not known; known: us-east-1, "
        )


def test_a_file_that_is_missing_cut_or_no_price_list_is_refused() -> None:
    with served({}) as server:
        assert refused(server, BOOK, cpu()) == f"URL{ECS}: answered 404 Not Found"
        server.files[ECS] = b"<html>try later</html>\n"
        assert refused(server, BOOK, cpu()) == (
            f"URL{ECS}: is not a price list: no line in its first 20 begins with SKU"
        )
        server.files[ECS], server.cut = csv_list(ROW, {**ROW, "SKU": "A2", "usageType": "other"}), 30
        assert refused(server, BOOK, cpu()).startswith(f"URL{ECS}: the response was cut off: ")


AZURE_CPU = SkuQuery(
    price="cpu",
    vendor="azure",
    file="Azure Container Apps",
    match={"meterName": "Standard vCPU Active Usage"},
    units={"1 Second": "1"},
)
AZURE_BOOK = PriceBook(prices=(price(unit="vCPU-second", region="eastus"),))


def azure_page(*items: Any, link: str | None = None) -> dict[str, Any]:
    return {"BillingCurrency": "USD", "Items": list(items), "NextPageLink": link, "Count": len(items)}


def test_azure_is_read_page_by_page_where_we_ask_whatever_host_the_link_names() -> None:
    others = [azure_item(f"other {n}", "1") for n in range(3)]
    link = "https://elsewhere.example:443/api/retail/prices?$filter=x&$skip=3"
    item = azure_item("Standard vCPU Active Usage", "2.4e-05")
    with served(pages=[azure_page(*others, link=link), azure_page(item)]) as server:
        found = made(server, AZURE_BOOK, AZURE_CPU)
        assert found.book.prices[0].value == D("0.000024")
        assert server.asked[1] == "/api/retail/prices?%24filter=x&%24skip=3"


def test_azures_next_page_is_asked_for_where_its_link_is_missing() -> None:
    others = [azure_item(f"other {n}", "1") for n in range(100)]
    item = azure_item("Standard vCPU Active Usage", "2.4e-05")
    with served(pages=[azure_page(*others), azure_page(item)]) as server:
        assert made(server, AZURE_BOOK, AZURE_CPU).book.prices[0].value == D("0.000024")


def test_azures_reservations_have_another_price_in_the_same_unit_and_are_left_out() -> None:
    item = azure_item("Standard vCPU Active Usage", "2.4e-05")
    reserved = {**item, "type": "Reservation", "reservationTerm": "1 Year", "retailPrice": 500.0}
    with served(pages=[azure_page(reserved, item)]) as server:
        assert made(server, AZURE_BOOK, AZURE_CPU).book.prices[0].value == D("0.000024")


GOOGLE_CPU = SkuQuery(
    price="cpu",
    vendor="google",
    file="Cloud Run",
    match={"description": "Services CPU (Request-based billing)"},
    units={"s": "1"},
)
GOOGLE_BOOK = PriceBook(prices=(price(unit="vCPU-second", region="us-central1"),))
SERVICES = json.dumps({"services": [{"name": "services/152E", "displayName": "Cloud Run"}]}).encode()


def test_google_is_read_with_the_key_in_a_header_and_nanos_are_billionths() -> None:
    first = {"skus": [google_sku("Requests", (0, "0", 400))], "nextPageToken": "more"}
    second = {"skus": [google_sku("Services CPU  (Request-based billing)", (0, "0", 24000))]}
    files = {
        "/v1/services": SERVICES,
        "/v1/services/152E/skus": json.dumps(first).encode(),
        "/v1/services/152E/skus?more": json.dumps(second).encode(),
    }
    with served(files) as server:
        found = made(server, GOOGLE_BOOK, GOOGLE_CPU)
        assert found.book.prices[0].value == D("0.000024")
        assert all(headers["x-goog-api-key"] == "secret-key" for headers in server.headers)
        assert "secret-key" not in "".join(server.asked) + book_text(found.book)


def test_google_without_a_key_says_what_to_set() -> None:
    with pytest.raises(RefreshError, match="set GOOGLE_BILLING_API_KEY to an API key with the Cloud Billing API"):
        refresh(GOOGLE_BOOK, [GOOGLE_CPU], sources={"google": Google("")}, regions=[], today=TODAY)


def test_what_is_in_no_list_is_said() -> None:
    book = PriceBook(prices=(price(), price("other")))
    with served({ECS: csv_list(ROW)}) as server:
        assert made(server, book, cpu()).notes == ("not in any list that is read: other; change by hand",)


@pytest.mark.parametrize("name", [n for n in names() if load(n).cost_by])
def test_each_book_is_written_as_it_is_read_and_each_meter_is_of_a_price_in_it(name: str) -> None:
    from unmoor.pricing.price_book_file import load_price_book

    target = load(name)
    book, sources = load_price_book(target.cost_by.partition(":")[0]), target.price_sources()
    assert sources is not None
    text = book_text(book)
    assert read_book(text.encode(), "book") == book
    assert book_text(read_book(text.encode(), "book")) == text
    ids = {p.id for p in book.prices}
    assert [m.price for m in sources.queries if m.price not in ids] == []


def test_the_command_shows_what_differs_asks_and_writes_through_a_link(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from unmoor.cli.app import app
    from unmoor.cli.commands import prices as command

    file = tmp_path / "prices.json"
    (tmp_path / "link").symlink_to(file)
    file.write_text(book_text(BOOK))
    monkeypatch.setattr(command, "_file", lambda target: tmp_path / "link")
    monkeypatch.setattr(command, "load_price_book", lambda module: BOOK)
    sources = PriceSources(queries=(cpu(),), vendors={"aws": Aws})
    monkeypatch.setattr(Target, "price_sources", lambda target: sources)
    with served({ECS: csv_list(ROW)}) as server:
        monkeypatch.setenv("UNMOOR_PRICES_AWS", server.url)
        asked = ["prices", "refresh", "-t", "aws-ecs", "--region", US]
        refusal = CliRunner().invoke(app, asked, input="n\n")
        assert "aws-ecs: cpu in us-east-1: 0.04 -> 0.05 vCPU-hour (+25.0%)\n" in refusal.output
        assert (refusal.exit_code, file.read_text()) == (1, book_text(BOOK))
        assert CliRunner().invoke(app, [*asked, "--yes"]).exit_code == 0
    assert '"value": "0.05"' in file.read_text()
    assert (tmp_path / "link").is_symlink()
