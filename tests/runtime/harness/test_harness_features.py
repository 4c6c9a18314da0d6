"""What the agent's spec gives a harness arrives: prompt, instructions, skills, MCP servers, arguments, model."""

from __future__ import annotations

import base64
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clis import real_job, run, texts
from jobs import MODELS, SKILL, TOKEN, of_model
from mcp_server import http_server
from model_server import Call, Shell, Text, Turn, model_server

from unmoor.runtime.config import McpServer
from unmoor.spec.harness_support import HARNESS_PROVIDERS, WITHOUT_MCP, WITHOUT_SKILLS

pytestmark = pytest.mark.harness

HARNESSES = [name for name in MODELS if name != "command"]
WITH_MCP = [name for name in HARNESSES if name not in WITHOUT_MCP]
WITH_SKILLS = [name for name in HARNESSES if name not in WITHOUT_SKILLS]
SERVER = Path(__file__).parent / "mcp_server.py"
SECRET = "a-secret-of-the-server-s"
# The path that each provider's requests take below the base URL.
PATHS = {
    "anthropic": "/model/v1/messages",
    "google": "/model/v1beta/models/NAME:streamGenerateContent",
    "openrouter": "/model/chat/completions",
    "openai-compatible": "/model/chat/completions",
}
NAMES = {
    "anthropic": ("claude-sonnet-5", "claude-not-yet-known-9"),
    "openai": ("gpt-5.5", "gpt-4.1", "gpt-not-yet-known-9"),
    "google": ("gemini-2.5-pro", "gemini-3-pro-preview", "gemini-3.5-flash-lite", "gemini-not-yet-known"),
    "openrouter": ("deepseek/deepseek-chat:free", "nobody/knows:this"),
    "openai-compatible": ("org/some-model:v1",),
}
EVERY_MODEL = [
    (h, p, n) for h in HARNESSES for p in HARNESS_PROVIDERS[h] for n in NAMES[p] if p != "openai" or "/" not in n
]


@pytest.mark.parametrize("harness", HARNESSES)
def test_a_prompt_of_336_kb_arrives_whole(harness: str, tmp_path: Path) -> None:
    prompt = "begin\n" + "".join(f"line {i:05} of a long event ✓\n" for i in range(12_000)) + "end"
    assert len(prompt.encode()) > 336_000
    # Gemini CLI tells the prompt as well, and does not wait at its end until that is read: so there is a call between.
    # Goose summarises one that is this long before it does anything else.
    turns = () if harness == "goose" else (Shell("true"),)
    with model_server(*turns, Text("all is done")) as server:
        ran = run(harness, real_job(harness, server.url, tmp_path, prompt=prompt))
    assert ran.outcome.status == "succeeded", ran.outcome.reason
    assert any(prompt in text for text in texts(server.requests[0].body))


@pytest.mark.parametrize("harness", HARNESSES)
def test_instructions_arrive_beside_those_of_the_workspace(harness: str, tmp_path: Path) -> None:
    with model_server(Text("all is done")) as server:
        job = real_job(harness, server.url, tmp_path, instructions="Speak like a pirate, says the spec.")
        for name in ("AGENTS.md", "CLAUDE.md", "GEMINI.md"):
            (tmp_path / "work" / name).write_text("Count to three, says the workspace.")
        assert run(harness, job).outcome.status == "succeeded"
    said = "\n".join(texts(server.requests[0].body))
    assert "Speak like a pirate, says the spec." in said
    assert "Count to three, says the workspace." in said


@pytest.mark.parametrize("harness", WITH_SKILLS)
def test_skills_are_offered_and_their_scripts_run(harness: str, tmp_path: Path) -> None:
    with model_server(Shell('"$(find "$HOME" -name count.sh)" > count.txt'), Text("all is done")) as server:
        ran = run(harness, real_job(harness, server.url, tmp_path, skills=(SKILL,)))
    assert ran.outcome.status == "succeeded", ran.outcome.reason
    assert "How the issues here are labelled" in "\n".join(texts(server.requests[0].body))
    assert (ran.work / "count.txt").read_text() == "3\n"


@pytest.mark.parametrize("over", ["stdio", "http"])
@pytest.mark.parametrize("harness", WITH_MCP)
def test_an_mcp_server_is_called_with_its_secret(harness: str, over: str, tmp_path: Path) -> None:
    with http_server(SECRET) as url, model_server(Call("fakeping", {"text": "hey"}), Text("all is done")) as server:
        local = McpServer(
            name="echo", url="", headers=(), command=(sys.executable, str(SERVER)), env=(("MCP_SECRET", SECRET),)
        )
        far = replace(local, url=url, headers=(("Authorization", f"Bearer {SECRET}"),), command=(), env=())
        # A model that Codex knows looks for tools by a search that the provider runs.
        model = of_model("openai", "gpt-6-sol") if harness == "codex" else of_model(*MODELS[harness])
        servers = (local if over == "stdio" else far,)
        ran = run(harness, real_job(harness, server.url, tmp_path, model=model, mcp_servers=servers))
    assert ran.outcome.status == "succeeded", ran.outcome.reason
    assert "fakeping" in ran.calls[0].name
    assert ran.results[0].output == f"pong hey {SECRET}"
    assert f"pong hey {SECRET}" in "\n".join(texts(server.requests[1].body))


@pytest.mark.parametrize("harness", WITH_MCP)
def test_an_mcp_server_elsewhere_is_reached_by_the_guard_s_proxy(harness: str, tmp_path: Path) -> None:
    far = McpServer(name="far", url="https://mcp.example.com/mcp", headers=(), command=(), env=())
    # The call gives a client that connects beside everything else the time to.
    with a_proxy_that_refuses() as proxy, model_server(Shell("true"), Text("all is done")) as server:
        url = f"http://run:{TOKEN}@127.0.0.1:{proxy.server_address[1]}"
        ran = run(harness, real_job(harness, server.url, tmp_path, proxy=url, mcp_servers=(far,)))
    assert ran.outcome.status == "succeeded", ran.outcome.reason
    lines = {head.split("\r\n")[0] for head in proxy.asked}
    assert lines == {"CONNECT mcp.example.com:443 HTTP/1.1"}
    passed = base64.b64encode(f"run:{TOKEN}".encode()).decode()
    assert all(f"proxy-authorization: basic {passed}".lower() in head.lower() for head in proxy.asked)


@pytest.mark.parametrize(("harness", "provider", "name"), EVERY_MODEL)
def test_every_provider_is_asked_for_the_one_model_at_its_own_path(
    harness: str, provider: str, name: str, tmp_path: Path
) -> None:
    with model_server(Shell("printf hi > out.txt"), Text("all is done")) as server:
        ran = run(harness, real_job(harness, server.url, tmp_path, model=of_model(provider, name)))
    assert (ran.outcome.status, ran.outcome.reason) == ("succeeded", "")
    assert (ran.work / "out.txt").read_text() == "hi"
    openai = "/model/chat/completions" if harness == "goose" else "/model/responses"
    expected = {**PATHS, "openai": openai} | ({"openai-compatible": openai} if harness == "codex" else {})
    assert {asked.path for asked in server.requests} == {expected[provider].replace("NAME", name)}
    assert {(asked.body or {}).get("model", name) for asked in server.requests} == {name}
    assert {asked.key for asked in server.asked} == {TOKEN}


MORE: dict[str, tuple[tuple[str, ...], str]] = {
    "claude-code": (("--append-system-prompt", "Mind the gap."), "Mind the gap."),
    "codex": (("-c", 'developer_instructions="Mind the gap."'), "Mind the gap."),
    "opencode": (("--agent", "plan"), "plan"),
    "pi": (("--append-system-prompt", "Mind the gap."), "Mind the gap."),
    "goose": (("--system", "Mind the gap."), "Mind the gap."),
}


@pytest.mark.parametrize("harness", MORE)
def test_more_arguments_are_taken(harness: str, tmp_path: Path) -> None:
    args, effect = MORE[harness]
    with model_server(Text("all is done")) as server:
        assert run(harness, real_job(harness, server.url, tmp_path, args=args)).outcome.status == "succeeded"
    assert effect in "\n".join(texts(server.requests[0].body))


def test_gemini_takes_more_arguments(tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    with model_server(Text("all is done")) as server:
        job = real_job("gemini", server.url, tmp_path, args=("--include-directories", str(tmp_path / "beside")))
        assert run("gemini", job).outcome.status == "succeeded"
    assert str(tmp_path / "beside") in "\n".join(texts(server.requests[0].body))


@pytest.mark.parametrize("harness", ["claude-code", "codex", "gemini"])
@pytest.mark.parametrize("web", [False, True])
def test_the_provider_s_own_search_is_offered_only_where_it_may_reach_the_web(
    harness: str, web: bool, tmp_path: Path
) -> None:
    with model_server(Text("all is done")) as server:
        assert run(harness, real_job(harness, server.url, tmp_path, web=web)).outcome.status == "succeeded"
    assert bool(_searches(server.requests[0].body)) is web


@pytest.mark.parametrize("model", ["gpt-6-sol", "gpt-5.6-luna"])
def test_codex_s_models_that_write_programs_call_tools_too(model: str, tmp_path: Path) -> None:
    turns: tuple[Turn, ...] = (Shell("printf hi > out.txt && echo written"), Text("all is done"))
    with model_server(*turns) as server:
        ran = run("codex", real_job("codex", server.url, tmp_path, model=of_model("openai", model)))
    assert (ran.outcome.status, ran.outcome.answer) == ("succeeded", "all is done")
    assert [result.output for result in ran.results] == ["written\n"]


def test_goose_stops_at_a_cap_of_its_own_and_that_is_a_failure(tmp_path: Path) -> None:
    with model_server(Shell("echo on")) as server:
        ran = run("goose", real_job("goose", server.url, tmp_path, args=("--max-turns", "2")))
    assert ran.outcome.status == "failed"
    assert ran.outcome.reason.startswith("I've reached the maximum number of actions")


def test_claude_code_stops_at_a_cap_of_its_own_and_that_is_a_failure(tmp_path: Path) -> None:
    with model_server(Shell("echo on")) as server:
        ran = run("claude-code", real_job("claude-code", server.url, tmp_path, args=("--max-turns", "2")))
    assert ran.outcome.status == "failed"
    assert ran.outcome.reason.startswith("claude: error_max_turns")


def test_pi_does_not_take_another_model_for_one_that_it_does_not_know(tmp_path: Path) -> None:
    with model_server(Text("all is done")) as server:
        ran = run("pi", real_job("pi", server.url, tmp_path, model=of_model("anthropic", "sonnet-4")))
    assert ran.outcome.status == "failed"
    assert ran.outcome.reason.startswith("pi does not know sonnet-4 and used ")


class Proxy(socketserver.ThreadingTCPServer):
    """Refuses whatever it is asked, and remembers it."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Refusing)


class Refusing(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Proxy)
        self.server.asked.append(self.request.recv(4096).decode())
        self.request.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")


@contextmanager
def a_proxy_that_refuses() -> Iterator[Proxy]:
    with Proxy() as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


def _searches(body: dict[str, Any]) -> list[str]:
    """The tools by which a provider would search the web."""
    names: list[str] = []
    for tool in body.get("tools") or []:
        names += [tool.get("name") or tool.get("type", "")]
        names += [function["name"] for function in tool.get("functionDeclarations", [])]
    return [name for name in names if name.lower().replace("_", "") in ("websearch", "googlewebsearch")]
