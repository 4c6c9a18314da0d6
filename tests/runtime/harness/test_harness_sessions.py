"""Every harness itself through a good run and its sequel, with nothing kept between them but what its adapter names."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from clis import Ran, real_job, run, texts
from jobs import HTTP, MODELS, STDIO, TOKEN, of_model
from model_server import Shell, Text, model_server

from unmoor.runtime.config import McpServer
from unmoor.runtime.harness import adapter
from unmoor.spec.harness_support import WITHOUT_MCP

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


OTHER_MODELS = {
    "claude-code": ("anthropic", "claude-opus-4-5"),
    "codex": ("openai", "not-yet-known"),
    "opencode": ("openai", "gpt-5.5"),
    "pi": ("google", "gemini-2.5-pro"),
    "gemini": ("google", "gemini-3-pro-preview"),
    "goose": ("anthropic", "claude-sonnet-5"),
}


@pytest.mark.parametrize("harness", HARNESSES)
def test_a_session_goes_on_with_another_model_and_other_instructions(harness: str, tmp_path: Path) -> None:
    with model_server(Text("all is done")) as server:
        first = run(harness, real_job(harness, server.url, tmp_path, instructions="Speak softly."))
        other = of_model(*OTHER_MODELS[harness])
        changed = {"session": first.outcome.session, "model": other, "instructions": "Speak up."}
        second = run(harness, real_job(harness, server.url, tmp_path, **changed))
    assert (second.outcome.status, second.outcome.reason) == ("succeeded", "")
    [asked] = server.requests[1:]
    assert model_of(asked.body, asked.path) == other.name
    said = "\n".join(texts(asked.body))
    assert "all is done" in said
    assert "Speak up." in said


def test_codex_begins_anew_rather_than_ask_the_model_of_before(tmp_path: Path) -> None:
    with model_server(Text("all is done")) as server:
        first = run("codex", real_job("codex", server.url, tmp_path))
        changed = {"session": first.outcome.session, "model": of_model("openai", "gpt-6-sol")}
        second = run("codex", real_job("codex", server.url, tmp_path, **changed))
    assert second.outcome.status == "succeeded"
    assert [asked.body["model"] for asked in server.requests] == ["gpt-5.5", "gpt-6-sol"]
    assert second.outcome.session != first.outcome.session


@pytest.mark.parametrize("harness", HARNESSES)
def test_no_secret_is_kept_with_a_session(harness: str, tmp_path: Path) -> None:
    servers = () if harness in WITHOUT_MCP else (STDIO, HTTP)
    with model_server(Shell("echo written"), Text("all is done")) as server:
        ran = run(harness, real_job(harness, server.url, tmp_path, mcp_servers=servers))
    assert ran.outcome.status == "succeeded", ran.outcome.reason
    kept = [path for folder in adapter(harness).session_folders for path in (ran.home / folder).rglob("*")]
    held = b"".join(path.read_bytes() for path in kept if path.is_file())
    assert b"all is done" in held
    for secret in (TOKEN, "env-secret", "header-secret"):
        assert secret.encode() not in held


@pytest.mark.parametrize("harness", [name for name in HARNESSES if name not in WITHOUT_MCP])
def test_a_session_goes_on_with_the_servers_that_the_spec_has_now(harness: str, tmp_path: Path) -> None:
    command = (sys.executable, str(Path(__file__).parent / "mcp_server.py"))
    early, late = (
        McpServer(name=name, url="", headers=(), command=command, env=(("MCP_SECRET", name),))
        for name in ("one-server", "two-server")
    )
    # To a model that it does not know Codex offers every tool by name.
    model = of_model("openai-compatible", "m") if harness == "codex" else of_model(*MODELS[harness])
    with model_server(Text("all is done")) as server:
        first = run(harness, real_job(harness, server.url, tmp_path, model=model, mcp_servers=(early,)))
        keep_only_the_session(harness, first.home)
        session = first.outcome.session
        second = run(
            harness, real_job(harness, server.url, tmp_path, model=model, mcp_servers=(late,), session=session)
        )
    assert second.outcome.status == "succeeded", second.outcome.reason
    offered = [json.dumps(asked.body["tools"]) for asked in server.requests]
    assert [re.findall("(?:one|two).server", tools)[0][:3] for tools in offered] == ["one", "two"]
    assert not re.search("one.server", offered[1])


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
