"""Requests to gateways that are away, stop, or are something else."""

from __future__ import annotations

import pytest
from processes import free_port
from scripted_server import Said, answering, refusal

from unmoor.errors import UnmoorError
from unmoor.operate.errors import AgentUnreachable, NoSuchRun, RejectedByGateway, Unauthorized
from unmoor.operate.gateway_agent import GatewayAgent
from unmoor.operate.gateway_client import GatewayHttp, gateway_url

RUN = {"id": "run-1", "status": "queued"}


def agent(url: str, token: str = "the-token", slept: list[float] | None = None) -> GatewayAgent:
    kept = [] if slept is None else slept
    return GatewayAgent(
        http=GatewayHttp(url=url, token=token, token_from="the token in UNMOOR_TOKEN", sleep=kept.append)
    )


def failing(*answers: Said, token: str = "the-token") -> tuple[type[Exception], str]:
    """What asking for a run raises, without the address."""
    with answering(*answers) as server, pytest.raises(UnmoorError) as raised:
        agent(server.url, token).run("run-1")
    return type(raised.value), str(raised.value).removeprefix(server.url)


def test_the_token_goes_with_every_request_but_webhooks() -> None:
    with answering(Said(200, RUN)) as server:
        agent(server.url).run("run-1")
        agent(server.url).deliver("w", b"{}", {"X-A": "b"}, again=True)
    asked, hook = server.asked
    assert (asked.method, asked.path, asked.headers["authorization"]) == ("GET", "/runs/run-1", "Bearer the-token")
    assert (hook.method, hook.path, hook.headers["x-a"]) == ("POST", "/hooks/w", "b")
    assert "authorization" not in hook.headers


def test_a_gateway_that_is_away_for_a_moment_is_asked_again() -> None:
    slept: list[float] = []
    with answering(Said(502, b"<html>"), refusal(503, "stopping"), Said(cut=True), Said(200, RUN)) as server:
        assert agent(server.url, slept=slept).run("run-1") == RUN
    assert slept == [0.2, 0.5, 1.0]


@pytest.mark.parametrize("first", [Said(502, b"<html>"), refusal(503, "the gateway is stopping; try again")])
def test_a_run_is_asked_for_once_whatever_is_answered(first: Said) -> None:
    with answering(first, Said(202, RUN)) as server, pytest.raises(UnmoorError):
        agent(server.url).start("hello", "")
    assert len(server.asked) == 1


def test_a_connection_that_breaks_leaves_it_open_whether_a_run_was_started() -> None:
    with answering(Said(cut=True)) as server, pytest.raises(AgentUnreachable) as raised:
        agent(server.url).start("hello", "")
    assert str(raised.value) == (
        f"{server.url}: the connection broke (Remote end closed connection without response); "
        "the request may have been processed: see unmoor runs"
    )


def test_where_nobody_listens_a_line_says_what_else_can_be_asked() -> None:
    url, slept = f"http://127.0.0.1:{free_port()}", list[float]()
    with pytest.raises(AgentUnreachable) as raised:
        agent(url, slept=slept).start("hello", "")
    expected = f"{url}: nothing answers (Connection refused); is the gateway up? --store URL reads the store itself"
    assert str(raised.value) == expected
    assert slept == [0.2, 0.5, 1.0]  # what was never sent can be sent again


@pytest.mark.parametrize(
    ("said", "fault", "text"),
    [
        (refusal(401, "no"), Unauthorized, ": rejected the token in UNMOOR_TOKEN"),
        (refusal(404, "no run has this id"), NoSuchRun, ": no run has this id"),
        (refusal(429, "skipped: all 4 runs are taken"), RejectedByGateway, ": skipped: all 4 runs are taken"),
        (
            Said(404, b"<html>nginx</html>"),
            AgentUnreachable,
            ": answered 404, which is not a gateway's response; is this the gateway's address?",
        ),
        (
            Said(200, b"<html>welcome</html>"),
            AgentUnreachable,
            ": answered 200, which is not a gateway's response; is this the gateway's address?",
        ),
        (
            Said(200, [1]),
            AgentUnreachable,
            ": answered 200, which is not a gateway's response; is this the gateway's address?",
        ),
        (
            Said(308, b"", headers={"location": "https://other.example/"}),
            AgentUnreachable,
            ": answered 308, which is not a gateway's response; "
            "it redirects to https://other.example/: if that is the gateway, pass that address",
        ),
        (
            Said(502, b"<html>"),
            AgentUnreachable,
            ": answered 502, which is not a gateway's response; is it up? --store URL reads the store itself",
        ),
    ],
)
def test_every_other_answer_has_one_line(said: Said, fault: type[Exception], text: str) -> None:
    assert failing(said) == (fault, text)


def test_a_missing_token_is_another_thing_than_a_wrong_one() -> None:
    assert failing(refusal(401, "no"), token="") == (
        Unauthorized,
        ": needs a token; set UNMOOR_TOKEN to the gateway's token",
    )


def test_a_token_is_sent_to_nobody_that_an_answer_names() -> None:
    with answering(Said(200, RUN)) as other:
        failing(Said(307, b"", headers={"location": other.url + "/runs/run-1"}))
    assert other.asked == []


@pytest.mark.parametrize(("given", "url"), [("https://a.example/", "https://a.example"), ("http://[::1]:8080", None)])
def test_an_address_may_end_with_a_slash(given: str, url: str | None) -> None:
    assert gateway_url(given) == (url or given)


WRONG = ("a.example", "ftp://a.example", "http://", "https://a:b@c.example", "http://a/#token=x", "http://a?b", "x y")


@pytest.mark.parametrize("given", [*WRONG, "http://a:port", "http://[::1", "http://a.example/\n"])
def test_what_is_no_address_is_refused_and_not_shown(given: str) -> None:
    with pytest.raises(UnmoorError) as raised:
        gateway_url(given)
    expected = "--url: is not a gateway address; write https://HOST, and put the token into UNMOOR_TOKEN"
    assert (str(raised.value), raised.value.exit_code) == (expected, 2)


def test_the_proxy_of_the_environment_is_used_and_no_proxy_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(Said(200, RUN)) as proxy, answering(Said(200, RUN)) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        agent(server.url).run("run-1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        agent(server.url).run("run-1")
    assert [len(proxy.asked), len(server.asked)] == [1, 1]
