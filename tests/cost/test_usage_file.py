"""usage.yaml, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest
from books import D

from unmoor.cost.usage_file import read_usage
from unmoor.errors import InputError
from unmoor.pricing.usage import OFFICE


def written(folder: Path, text: str) -> Path:
    file = folder / "usage.yaml"
    file.write_text(text)
    return file


def test_a_file_says_what_a_usage_has(tmp_path: Path) -> None:
    said = read_usage(written(tmp_path, "runs: 10/day\nminutes: 7.5\nday: office\ninput_tokens: 5e5\n"))
    assert said == {"runs": D(10) * 730 / 24, "minutes": D("7.5"), "day": OFFICE, "input_tokens": 500_000}


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n"])
def test_an_empty_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"usage: .*; write lines such as runs: 200/month$"):
        read_usage(written(tmp_path, text))


def test_every_mistake_is_one_line_with_its_place(tmp_path: Path) -> None:
    text = "runs: often\nminute: 5\nlogs_mib: -1\nday: [1, 2]\nrequests:\ninput_tokens: 5\ncached_tokens: 6\n"
    with pytest.raises(InputError) as caught:
        read_usage(written(tmp_path, text))
    place = tmp_path / "usage.yaml"
    assert str(caught.value).splitlines() == [
        f"{place}:1:1: runs: 'often' is not a number of runs; write one such as 200/month, 10/day or 2/hour",
        f"{place}:2:1: minute: unknown key; did you mean minutes?",
        f"{place}:3:1: logs_mib: -1 is not between 0 and 1,000,000,000,000; write one that is",
        f"{place}:4:1: day: is not a day's shape; write flat, office, night, or a list of 24 numbers, one for each hour",
        f"{place}:5:1: requests: is nothing (null); write a value or remove it",
        f"{place}:7:1: cached_tokens: 6 are more than the 5 input_tokens; lower it",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- 1\n", "usage: is not a mapping; write lines such as runs: 200/month"),
        ("runs: 1\nruns: 2\n", ":2:1: runs: is given twice; remove one"),
        ("runs: [1\n", "usage: not YAML: "),
    ],
)
def test_what_is_no_usage_is_refused_as_one(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InputError, match="usage") as caught:
        read_usage(written(tmp_path, text))
    assert problem in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"usage: cannot be read: No such file or directory; name a file$"):
        read_usage(tmp_path / "none.yaml")
