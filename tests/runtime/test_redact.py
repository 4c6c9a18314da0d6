"""No form of a secret is left in what is written."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from unmoor.runtime.redact import redacted, redactor

SECRET = 'tok/en+with "quotes" & ümlaut=='
REDACT = redactor({"key": SECRET, "short": "abc"})


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        json.dumps(SECRET)[1:-1],
        json.dumps({"a": json.dumps({"b": SECRET})}),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"x:{SECRET}".encode()).decode(),
        base64.b64encode(f"xy:{SECRET}!".encode()).decode(),
        base64.b64encode(f"xyz:{SECRET}!!".encode()).decode(),
    ],
)
def test_a_form_of_a_secret_is_taken_out(form: str) -> None:
    text = REDACT(f"before {form} after")
    assert "[secret:key]" in text
    assert SECRET not in text
    assert text.startswith("before ")
    assert text.endswith(" after")


def test_each_line_of_a_secret_with_several_is_one(tmp_path: object) -> None:
    redact = redactor({"pem": "-----BEGIN-----\nabcdefgh\n-----END-----"})
    assert redact("line abcdefgh here") == "line [secret:pem] here"


def test_what_is_too_short_to_be_told_from_chance_stays() -> None:
    assert REDACT("abc") == "abc"


def test_nested_values_and_keys_are_redacted() -> None:
    redact = redactor({"key": "sesame-open"})
    value = {"a": ["sesame-open", 1, None], "sesame-open": {"b": "x sesame-open"}}
    assert redacted(value, redact) == {"a": ["[secret:key]", 1, None], "[secret:key]": {"b": "x [secret:key]"}}


def test_without_secrets_a_text_is_what_it_was() -> None:
    assert redactor({})("anything") == "anything"
