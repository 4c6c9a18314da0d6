"""The model server of the tests speaks what its script says, in each format."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from model_server import Break, Call, ModelServer, Refuse, Shell, Stall, Text, model_server, refusing_url

TOOLS: dict[str, Any] = {
    "/v1/messages": [{"name": "Bash"}],
    "/v1/responses": [{"type": "function", "name": "exec_command"}],
    "/v1/chat/completions": [{"type": "function", "function": {"name": "bash"}}],
    "/v1beta/models/m:streamGenerateContent?alt=sse": [{"functionDeclarations": [{"name": "run_shell_command"}]}],
}
PATHS = tuple(TOOLS)


def post(server: ModelServer, path: str, **body: Any) -> bytes:
    data = json.dumps({"model": "m", "stream": True, "tools": TOOLS[path], **body}).encode()
    request = urllib.request.Request(server.url + path, data=data, headers={"authorization": "Bearer k"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read()


@pytest.mark.parametrize("path", PATHS)
def test_text_comes_in_pieces_and_with_its_tokens(path: str) -> None:
    with model_server(Text("good morning to you")) as server:
        stream = post(server, path).decode()
    assert '"good mor"' in stream
    assert "1200" in stream or "1000" in stream
    assert server.requests[0].key == "k"


@pytest.mark.parametrize("path", PATHS)
def test_a_shell_call_takes_the_name_that_is_offered(path: str) -> None:
    with model_server(Shell("ls -l")) as server:
        stream = post(server, path).decode()
    assert "ls -l" in stream
    assert any(name in stream for name in ("Bash", "exec_command", "bash", "run_shell_command"))


@pytest.mark.parametrize("path", PATHS)
def test_the_last_turn_is_repeated(path: str) -> None:
    with model_server(Shell("a"), Text("b")) as server:
        first, second, third = (post(server, path) for _ in range(3))
    assert first != second
    assert b"b" in second
    assert b"b" in third
    assert len(server.requests) == 3


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_it_refuses(path: str, status: int) -> None:
    with model_server(Refuse(status, "because", {"retry-after": "3"})) as server:
        with pytest.raises(urllib.error.HTTPError) as caught:
            post(server, path)
        with caught.value as answer:
            assert (answer.code, answer.headers["retry-after"]) == (status, "3")
            assert "because" in answer.read().decode()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("at", ["nothing", "head", "half"])
def test_it_breaks_off(path: str, at: Any) -> None:
    with model_server(Break(at)) as server, pytest.raises(Exception, match=r"IncompleteRead|closed|reset"):
        post(server, path)


@pytest.mark.parametrize("at", ["nothing", "head", "half"])
def test_it_stalls_until_it_is_told_to_go_on(at: Any) -> None:
    with model_server(Stall(at, "late")) as server:
        data = json.dumps({"model": "m", "stream": True}).encode()
        request = urllib.request.Request(server.url + PATHS[0], data=data)
        with pytest.raises(TimeoutError):
            urllib.request.urlopen(request, timeout=0.2).read()
        server.go_on()
        assert b"late" in post(server, PATHS[0])


@pytest.mark.parametrize("path", [*PATHS[:3], "/v1beta/models/m:generateContent"])
def test_one_body_where_no_stream_is_asked_for(path: str) -> None:
    with model_server(Text("whole")) as server:
        data = json.dumps({"model": "m"}).encode()
        with urllib.request.urlopen(urllib.request.Request(server.url + path, data=data)) as answer:
            assert "whole" in json.dumps(json.load(answer))


def test_a_tool_is_called_by_the_end_of_its_name() -> None:
    with model_server(Call("ping", {"text": "x"})) as server:
        stream = post(server, PATHS[0], tools=[{"name": "Bash"}, {"name": "mcp__echo__ping"}]).decode()
    assert "mcp__echo__ping" in stream


def test_nobody_listens_at_the_refusing_url() -> None:
    with pytest.raises(urllib.error.URLError, match="Connection refused"):
        urllib.request.urlopen(refusing_url())
