"""The guard's door: what is let in at all, with which token, and what happens to what is no proper request."""

from __future__ import annotations

import asyncio
import base64
import contextlib

import pytest
from clients import connected
from world import GRANT, World, guarded

from unmoor.runtime.events import GuardEvent, NetworkDenied
from unmoor.runtime.guard.transport.exchange import Exchange
from unmoor.runtime.guard.transport.http1 import BadRequest, HttpLimits

pytestmark = pytest.mark.usefixtures("route")

PROOF = f"x-api-key: {GRANT.token}\r\n"


class Counted:
    """A model that says how large the body was that it was sent, and never more than 1000 bytes."""

    async def handle(self, exchange: Exchange) -> None:
        try:
            body = await exchange.http.body(1000)
        except BadRequest as error:
            return await exchange.respond(error.status, str(error))
        await exchange.respond(200, f"{exchange.request.target} {len(body)}")

    async def settle(self) -> None:
        pass

    async def refuse_token(self, exchange: Exchange, reason: str) -> None:
        await exchange.refuse(401, "the model", reason)


def said(
    *parts: bytes, limits: HttpLimits | None = None, ends: bool = True, pause_s: float = 0
) -> tuple[bytes, list[GuardEvent]]:
    """Everything that comes back on one connection on which these parts are sent, and what the run is told."""
    told: list[GuardEvent] = []

    async def main() -> bytes:
        async with (
            guarded(World(), told, http=limits or HttpLimits(linger_s=0.05), model=Counted()) as port,
            connected(port.number) as client,
        ):
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    await client.write(part)
                    await asyncio.sleep(pause_s)
            if ends:
                await client.write_eof()
            data = b""
            while more := await client.read():
                data += more
            return data

    return asyncio.run(asyncio.wait_for(main(), 10)), told


def bodies(answers: bytes) -> list[str]:
    """The bodies of answers that follow one another."""
    found: list[str] = []
    while answers:
        head, _, answers = answers.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        found.append(answers[:length].decode())
        answers = answers[length:]
    return found


def status(answers: bytes) -> int:
    return int(answers.split(b" ", 2)[1])


def get(target: str, proof: str = PROOF, more: str = "") -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: x\r\n{proof}{more}\r\n".encode()


def test_other_paths_are_not_there():
    for target in ("/", "/healthz", "/link", "/metrics", "/modelx", "/model/../healthz"[:1] + "admin"):
        answers, told = said(get(target, proof=""))
        assert (status(answers), told) == (404, [])
        assert bodies(answers) == ["unknown path; the model is under /model\n"]


def test_plain_http_to_another_host_is_refused_without_its_secrets():
    answers, told = said(get("http://user:pass@example.com/a?token=s3cret"))
    assert status(answers) == 403
    assert told == [NetworkDenied(destination="http://example.com", reason="only TLS is allowed; use https")]
    assert b"s3cret" not in answers
    assert b"pass" not in answers


@pytest.mark.parametrize(
    "proof",
    [
        f"x-api-key: {GRANT.token}\r\n",
        f"Authorization: Bearer {GRANT.token}\r\n",
        f"authorization: bearer {GRANT.token}\r\n",
        f"X-Goog-Api-Key: {GRANT.token}\r\n",
        f"x-api-key: another\r\nAuthorization: Bearer {GRANT.token}\r\n",
    ],
)
def test_the_token_opens_the_model_wherever_a_key_may_stand(proof: str):
    answers, told = said(get("/model/x", proof=proof))
    assert (bodies(answers), told) == (["/model/x 0\n"], [])


def test_the_token_may_stand_in_the_query():
    answers, _ = said(get(f"/model/x?key={GRANT.token}", proof=""))
    assert status(answers) == 200


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        ("", "no token was sent"),
        ("x-api-key: tok-of-r2\r\n", "the token is not this run's"),
        ("x-api-key: \r\n", "the token is not this run's"),
        (f"x-api-key: {GRANT.token}x\r\n", "the token is not this run's"),
        (f"x-api-key: {GRANT.token[:-1]}\r\n", "the token is not this run's"),
        ("Authorization: Bearer tok-of-r2\r\n", "the token is not this run's"),
        ("Authorization: Basic dG9rLW9mLXIx\r\n", "no token was sent"),
        ("x-api-key: t\xf6k\r\n", "the token is not this run's"),
    ],
)
def test_the_model_is_shut_without_this_runs_token(proof: str, reason: str):
    answers, told = said(get("/model/x", proof="").replace(b"\r\n\r\n", b"\r\n" + proof.encode("latin-1") + b"\r\n"))
    assert status(answers) == 401
    assert told == [NetworkDenied(destination="the model", reason=reason)]


def basic(text: str) -> str:
    return f"Proxy-Authorization: Basic {base64.b64encode(text.encode()).decode()}\r\n"


def test_a_client_that_shows_no_token_for_the_way_out_is_asked_for_it_and_may_try_again():
    ask = b"CONNECT a.example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n"
    answers, told = said(ask, ask)
    assert answers.count(b"HTTP/1.1 407") == 2
    assert b'proxy-authenticate: Basic realm="unmoor"' in answers.lower().replace(b"basic", b"Basic")
    assert told == []


@pytest.mark.parametrize(
    "proof",
    [
        basic("run:tok-of-r2"),
        basic(f"r2:{GRANT.token}"),
        basic("run:"),
        basic(GRANT.token),
        f"Proxy-Authorization: Bearer {GRANT.token}\r\n",
        f"Proxy-Authorization: {GRANT.token}\r\n",
        basic("run:tok-of-r2") + basic("run:tok-of-r3"),
    ],
)
def test_the_way_out_is_shut_to_another_runs_token(proof: str):
    answers, told = said(f"CONNECT a.example.com:443 HTTP/1.1\r\nHost: a\r\n{proof}\r\n".encode())
    assert status(answers) == 407
    assert told == [NetworkDenied(destination="a.example.com:443", reason="the token is not this run's")]


def test_a_token_that_is_no_base64_is_not_this_runs():
    answers, told = said(b"CONNECT a.example.com:443 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic !!!\r\n\r\n")
    assert status(answers) == 407
    assert told == [NetworkDenied(destination="a.example.com:443", reason="the token is not this run's")]


def test_requests_that_are_sent_ahead_are_answered_in_order():
    answers, _ = said(get("/model/1") + get("/model/2") + get("/model/3"))
    assert bodies(answers) == ["/model/1 0\n", "/model/2 0\n", "/model/3 0\n"]


def test_bodies_of_both_kinds_are_read_and_the_connection_goes_on():
    plain = f"POST /model/a HTTP/1.1\r\nHost: x\r\n{PROOF}Content-Length: 5\r\n\r\nhello".encode()
    chunked = f"POST /model/b HTTP/1.1\r\nHost: x\r\n{PROOF}Transfer-Encoding: chunked\r\n\r\n".encode()
    answers, _ = said(plain, chunked, b"3\r\nabc\r\n1;x=y\r\nd\r\n", b"0\r\nTrailer: t\r\n\r\n", get("/model/c"))
    assert bodies(answers) == ["/model/a 5\n", "/model/b 4\n", "/model/c 0\n"]


def test_a_client_that_waits_for_leave_to_send_gets_it():
    head = f"POST /model/a HTTP/1.1\r\nHost: x\r\n{PROOF}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode()
    told: list[GuardEvent] = []

    async def main() -> bytes:
        async with guarded(World(), told, model=Counted()) as port, connected(port.number) as client:
            await client.write(head)
            assert (await client.read()).startswith(b"HTTP/1.1 100 ")
            await client.write(b"hello")
            return await client.read()

    assert bodies(asyncio.run(main())) == ["/model/a 5\n"]


def test_a_client_that_waits_for_leave_is_refused_without_sending():
    head = b"POST /model/a HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\nExpect: 100-continue\r\n\r\n"
    answers, _ = said(head)
    assert status(answers) == 401
    assert b"connection: close" in answers.lower()


def test_an_old_client_gets_its_answer_and_the_connection_ends():
    answers, _ = said(f"GET /model/a HTTP/1.0\r\n{PROOF}\r\n".encode(), ends=False)
    assert bodies(answers) == ["/model/a 0\n"]


def test_a_body_that_is_too_large_is_refused_while_it_is_sent():
    head = f"POST /model/a HTTP/1.1\r\nHost: x\r\n{PROOF}Content-Length: 500000\r\n\r\n".encode()
    answers, _ = said(head + b"x" * 500_000, ends=False)
    assert status(answers) == 413


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET /model/x HTTP/1.1\r\n\r\n", 400),
        (b"GET /mo del HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /modül HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 400),
        ("CONNECT bücher.example:443 HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 400),
        (b"CONNECT a.com:443\r\nX: y HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /model/x HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400),
        (b"GET /model/x HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", 400),
        (b"GET /model/x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET /model/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET /model/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /model/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"GET /model/x HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000 + b"\r\n\r\n", 431),
        (b"GET /model/x HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 40_000 + b"\r\n", 431),
        (b"GET /" + b"a" * 70000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),
    ],
)
def test_what_is_no_request_is_said_to_be_none_and_ends_the_connection(request_: bytes, answer: int):
    answers, told = said(request_, ends=False)
    assert (status(answers), told) == (answer, [])
    assert answers.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        (
            b"X-Large: " + b"x" * 100_000 + b"\r\n",
            "the request's head is larger than 1 KiB; send less in headers and the URL",
        ),
        (b"A: b\r\n" * 300, "the request has more than 256 headers; send fewer"),
    ],
)
def test_a_head_that_is_too_large_is_refused_also_if_it_arrives_at_once(headers: bytes, problem: str):
    limits = HttpLimits(head_bytes=1024 if len(headers) > 9000 else 64 * 1024, linger_s=0.05)
    answers, _ = said(b"GET /model/x HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n", limits=limits)
    assert answers.startswith(b"HTTP/1.1 431 ")
    assert bodies(answers) in ([f"{problem}\n"], ["invalid HTTP request: Receive buffer too long\n"])


def test_a_head_that_never_ends_is_given_up():
    answers, _ = said(b"GET /model/x HTTP/1.1\r\n", limits=HttpLimits(head_s=0.05, linger_s=0.05), ends=False)
    assert status(answers) == 408
    assert bodies(answers) == ["the request's head did not arrive in time\n"]


def test_a_head_that_trickles_in_is_given_up_all_the_same():
    slowly = [b"GET /model/x HTTP/1.1\r\n", *[b"a: b\r\n"] * 20]
    answers, _ = said(*slowly[:8], limits=HttpLimits(head_s=0.05, linger_s=1), pause_s=0.01)
    assert status(answers) == 408


def test_a_body_that_never_ends_is_given_up():
    head = f"POST /model/a HTTP/1.1\r\nHost: x\r\n{PROOF}Content-Length: 5\r\n\r\nhe".encode()
    answers, _ = said(head, limits=HttpLimits(body_s=0.05, linger_s=0.05), ends=False)
    assert bodies(answers) == ["the request's body did not arrive in time\n"]


def test_a_connection_on_which_nothing_is_asked_is_closed():
    answers, told = said(limits=HttpLimits(idle_s=0.05), ends=False)
    assert (answers, told) == (b"", [])


def test_a_client_that_goes_away_ends_what_was_being_made_for_it():
    told: list[GuardEvent] = []
    ended = asyncio.Event()

    class Slow(Counted):
        async def handle(self, exchange: Exchange) -> None:
            await exchange.http.body(0)
            await exchange.http.cancel_on_disconnect(self.forever())

        async def forever(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    async def main() -> None:
        async with guarded(World(), told, model=Slow()) as port:
            async with connected(port.number) as client:
                await client.write(get("/model/x"))
                await asyncio.sleep(0.02)
            await asyncio.wait_for(ended.wait(), 2)

    asyncio.run(main())
