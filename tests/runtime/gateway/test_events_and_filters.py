"""What a body says, and which events a filter lets through."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.datastructures import Headers

from unmoor.runtime.gateway.triggers.webhooks.filters import FilterValue, filter_reason
from unmoor.runtime.gateway.triggers.webhooks.payload import InvalidPayload, WebhookPayload, parse_payload

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "body", "value", "typed"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}, True),
        ("Application/JSON; charset=utf-8", b"[1]", [1], True),
        ("application/cloudevents+json", b'"x"', "x", True),
        ("application/json", b"\xef\xbb\xbf{}", {}, True),
        ("application/json", b"null", None, True),
        ("application/json", b"", {}, True),
        ("", b" \r\n ", {}, True),
        (FORM, b'{"a": 1}', {"a": 1}, True),
        ("", b" [1]", [1], True),
        ("text/plain", b"{not json", "{not json", True),
        ("text/plain", b"1", "1", True),
        ("text/plain; charset=latin-1", b"\xe9", "é", True),
        ("text/plain; charset=nothing", b"\xe9", "�", True),
        ("text/plain; charset=idna", b"null", "null", True),
        ("text/plain; charset=rot13", b"null", "null", True),
        ("application/xml", b"<a/>", "<a/>", True),
        (FORM, b"a=1&b=&a=2&c=%C3%A9+x", {"a": ["1", "2"], "b": "", "c": "é x"}, False),
        (FORM, b"{=1", {"{": "1"}, False),
        (FORM, urlencode({"payload": '{"a": 1}'}).encode(), {"a": 1}, True),
        (FORM, urlencode({"payload": "paid"}).encode(), {"payload": "paid"}, False),
    ],
)
def test_a_body_is_read_as_what_it_is(kind: str, body: bytes, value: Any, typed: bool) -> None:
    assert parse_payload(kind, body) == WebhookPayload(value=value, typed=typed)


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("application/json", b"{", "the body is not JSON, although its content type is JSON"),
        (FORM, b"payload={x", "the body is not JSON, although its content type is JSON"),
        (FORM, b"a=1&" * 1001, "the form has more than 1000 fields"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_one_line(kind: str, body: bytes, says: str) -> None:
    with pytest.raises(InvalidPayload, match=says):
        parse_payload(kind, body)


LABELS = {"issue": {"labels": [{"name": "bug"}, {"name": "new"}]}}


@pytest.mark.parametrize(
    ("value", "path", "wanted", "met"),
    [
        ({"a": 1}, "body.a", 1, True),
        ({"a": 1.0}, "body.a", 1, True),
        ({"a": "1"}, "body.a", 1, False),
        ({"a": 1}, "body.a", "1", False),
        ({"a": True}, "body.a", 1, False),
        ({"a": 1}, "body.a", True, False),
        ({"a": True}, "body.a", True, True),
        ({"a": "true"}, "body.a", True, False),
        ({"a": False}, "body.a", 0, False),
        ({"a": None}, "body.a", "", False),
        ({}, "body.a", "", False),
        ({"a": ""}, "body.a", "", True),
        ({"a": {"b-c": {"d": "x"}}}, "body.a.b-c.d", "x", True),
        ({"a": ["x", "y"]}, "body.a", "y", True),
        ({"a": ["x", "y"]}, "body.a[0]", "y", False),
        ({"a": ["x", "y"]}, "body.a[1]", "y", True),
        ({"a": ["x"]}, "body.a[1]", "x", False),
        ({"a": ["x"]}, "body.a[" + "9" * 30 + "]", "x", False),
        ([{"a": "x"}], "body[0].a", "x", True),
        (LABELS, "body.issue.labels.name", "new", True),
        (LABELS, "body.issue.labels[0].name", "new", False),
        (LABELS, "body.issue.labels.colour", "new", False),
        ("text", "body.a", "text", False),
        (None, "body.a", "x", False),
        ({"a": {"b": 1}}, "body.a", "b", False),
    ],
)
def test_a_value_is_met_by_its_like(value: Any, path: str, wanted: Any, met: bool) -> None:
    event = parse_payload("application/json", json.dumps(value).encode())
    assert (filter_reason([(path, (wanted,))], Headers(), event) == ("", "")) is met


@pytest.mark.parametrize(("wanted", "met"), [(1, True), ("1", True), (True, False), (2, False), ("01", False)])
def test_a_form_s_fields_and_headers_are_met_as_text(wanted: Any, met: bool) -> None:
    form = parse_payload(FORM, b"a=0&a=1")
    assert (filter_reason([("body.a", (wanted,))], Headers(), form) == ("", "")) is met
    headers = Headers({"X-Count": "1"})
    assert (filter_reason([("header.x-count", (wanted,))], headers, WebhookPayload(value={})) == ("", "")) is met


def test_true_is_met_by_the_word_in_a_form() -> None:
    assert filter_reason([("body.a", (True,))], Headers(), parse_payload(FORM, b"a=true")) == ("", "")


def test_every_path_must_be_met_each_by_one_of_its_values() -> None:
    when = [("body.a", (1, 2)), ("header.X", ("y",))]
    event = WebhookPayload(value={"a": 2})
    assert filter_reason(when, Headers({"x": "y"}), event) == ("", "")
    assert filter_reason(when, Headers({"x": "n"}), event) == ('header.X is not "y"', 'it is "n"')
    assert filter_reason(when, Headers({"x": "y"}), WebhookPayload(value={"a": [3, 4]})) == (
        "body.a is not 1 or 2",
        "it is 3 and 4",
    )


def test_two_paths_into_one_list_may_be_met_by_two_items() -> None:
    """As the docs say; an index names one item."""
    event = WebhookPayload(value={"checks": [{"name": "build", "ok": False}, {"name": "lint", "ok": True}]})
    into_list: list[tuple[str, tuple[FilterValue, ...]]] = [
        ("body.checks.name", ("build",)),
        ("body.checks.ok", (True,)),
    ]
    of_one = [(path.replace("checks", "checks[0]"), values) for path, values in into_list]
    assert filter_reason(into_list, Headers(), event) == ("", "")
    assert filter_reason(of_one, Headers(), event) == ("body.checks[0].ok is not true", "it is false")


def test_what_came_is_shown_cut() -> None:
    _, came = filter_reason([("body.a", (1,))], Headers(), WebhookPayload(value={"a": ["x" * 500] * 9}))
    assert came == " and ".join(['"' + "x" * 59 + "…"] * 3).join(["it is ", ""])
