"""No form of a secret is left in what is written."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from unmoor.runtime.redact import redact_values, redactor

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
    assert redact_values(value, redact) == {"a": ["[secret:key]", 1, None], "[secret:key]": {"b": "x [secret:key]"}}


def test_without_secrets_a_text_is_what_it_was() -> None:
    assert redactor({})("anything") == "anything"


@pytest.mark.parametrize("form", ["of%2fthe%3fd%c3%b6%22or", 'of/the?dö\\"or', "of/the%3Fd%C3%B6%22or"])
def test_a_secret_is_found_as_other_programs_write_it(form: str) -> None:
    assert redactor({"key": 'of/the?dö"or'})(f"x={form}&y") == "x=[secret:key]&y"


LONG = "sesame-open-the-door-please"


def test_a_secret_that_a_cut_would_halve_is_gone_before_the_cut(tmp_path: Path) -> None:
    from runs import Bench, command_spec, stored_text

    from unmoor.runtime.run.event_log import MAX_RAW, MAX_TEXT
    from unmoor.runtime.run.lifecycle import MAX_ANSWER, MAX_REASON

    at = [MAX_TEXT, MAX_RAW, MAX_REASON - 20, MAX_ANSWER, 64_000, 65_536]
    program = (
        f"import sys\nfor n in {at}:\n  for back in range(3, 27, 4): print('x' * (n - back) + {LONG!r} + 'y' * 50000)\n"
        f"print('x' * 20000000 + {LONG!r})\n"
        f"print('w' * {MAX_REASON - 40} + {LONG!r} + 'z' * 300, file=sys.stderr)\nsys.exit(1)"
    )
    run = Bench(tmp_path, command_spec("python3", "-c", program), secrets={"k": LONG}).run()
    assert run.record.status == "failed"
    assert len(run.record.reason) <= MAX_REASON
    text = stored_text(tmp_path / "store" / "runs")
    assert LONG[:5] not in text
    assert LONG[-6:] not in text
    assert "[secret:k]" in text
