"""Every harness itself through a good run and its sequel, with nothing kept between them but what its adapter names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from clis import Ran, real_job, run, texts
from jobs import MODELS, TOKEN
from model_server import Shell, Text, model_server

from unmoor.runtime.harness import adapter

pytestmark = pytest.mark.harness

HARNESSES = [name for name in MODELS if name != "command"]


@pytest.mark.parametrize("harness", HARNESSES)
def test_a_run_writes_a_file_and_the_next_one_remembers(harness: str, tmp_path: Path) -> None:
    with model_server(Shell("printf hi > out.txt && echo written"), Text("all is done"), Text("as before")) as server:
        first = run(harness, real_job(harness, server.url, tmp_path, prompt="Write the file"))
        good_run(first)
        assert (first.work / "out.txt").read_text() == "hi"
        assert {asked.key for asked in server.asked} == {TOKEN}
        assert len(server.requests) == 2
        keep_only_the_session(harness, first.home)
        second = run(
            harness,
            real_job(harness, server.url, tmp_path, prompt="What did you do?", session=first.outcome.session),
        )
        assert (second.outcome.status, second.outcome.answer) == ("succeeded", "as before")
        assert second.outcome.session == first.outcome.session
        history = list(texts(server.requests[2].body))
        for said in ("Write the file", "written", "all is done", "What did you do?"):
            assert any(said in text for text in history), said
        assert {model_of(asked.body, asked.path) for asked in server.requests} == {MODELS[harness][1]}


def good_run(ran: Ran) -> None:
    assert (ran.outcome.status, ran.outcome.reason, ran.outcome.answer) == ("succeeded", "", "all is done")
    [call], [result] = ran.calls, ran.results
    assert "printf hi" in call.input
    assert (call.id, result.output.strip(), result.is_error) == (result.id, "written", False)


def keep_only_the_session(harness: str, home: Path) -> None:
    """What another machine would have: the folders that the adapter names, and nothing else of the home."""
    before = home.rename(home.with_name("before"))
    for folder in adapter(harness).session_folders:
        shutil.copytree(before / folder, home / folder)


def model_of(body: dict[str, str], path: str) -> str:
    return body.get("model") or path.rsplit("/", 1)[-1].partition(":")[0]
