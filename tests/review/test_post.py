"""One comment, made once and then changed in place, on an API that answers as GitHub's and GitLab's do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from unmoor.errors import UnmoorError
from unmoor.review.post import post, thread_of

MARK = "<!-- unmoor review: a prod -->"


class Host:
    """Comments of one request, and the address of the API that holds them."""

    def __init__(self) -> None:
        self.comments: list[dict] = []
        self.refuses = 0
        self.tokens: set[str] = set()
        host = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None: ...

            def answer(self, status: int, body: object) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def handle_any(self) -> None:
                host.tokens.add(self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or "")
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                if host.refuses:
                    return self.answer(host.refuses, {"message": "no"})
                parts = urlsplit(self.path)
                if self.command == "GET":
                    asked = {k: int(v[0]) for k, v in parse_qs(parts.query).items()}
                    first = (asked["page"] - 1) * asked["per_page"]
                    return self.answer(200, host.comments[first : first + asked["per_page"]])
                if self.command == "POST":
                    host.comments.append({"id": len(host.comments) + 1, **body})
                    return self.answer(201, host.comments[-1])
                number = int(parts.path.rsplit("/", 1)[-1])
                host.comments[number - 1].update(body)
                return self.answer(200, host.comments[number - 1])

            do_GET = do_POST = do_PATCH = do_PUT = handle_any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def github(self) -> dict[str, str]:
        return {
            "GITHUB_API_URL": self.url,
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_TOKEN": "planted-token",
        }

    def gitlab(self) -> dict[str, str]:
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": self.url,
            "CI_PROJECT_ID": "3",
            "CI_MERGE_REQUEST_IID": "7",
            "GITLAB_TOKEN": "planted-token",
        }


@pytest.fixture
def host() -> Iterator[Host]:
    found = Host()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_comment_is_made_once_and_then_changed_in_place(host: Host, kind: str) -> None:
    host.comments = [{"id": n, "body": "of somebody else"} for n in range(1, 151)]
    thread = thread_of(getattr(host, kind)())
    assert post(thread, text=f"{MARK}\none", mark=MARK) == "made"
    assert post(thread, text=f"{MARK}\ntwo", mark=MARK) == "changed"
    assert [c["body"] for c in host.comments if MARK in c["body"]] == [f"{MARK}\ntwo"]
    assert len(host.comments) == 151
    assert host.tokens in ({"Bearer planted-token"}, {"planted-token"})


def test_each_agent_and_environment_has_a_comment_of_its_own(host: Host) -> None:
    thread = thread_of(host.github())
    other = MARK.replace("prod", "dev")
    assert [post(thread, text=m, mark=m) for m in (MARK, other, MARK)] == ["made", "made", "changed"]


def test_a_token_without_the_right_says_which_and_never_itself(host: Host) -> None:
    host.refuses = 403
    thread = thread_of(host.github())
    with pytest.raises(UnmoorError) as caught:
        post(thread, text="x", mark=MARK)
    assert str(caught.value) == (
        "GitHub answered 403 to GET /repos/o/r/issues/7/comments; give the token the right to write to pull requests"
    )
    assert "planted-token" not in repr(thread)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "no pull request to comment on: GITHUB_TOKEN, GITHUB_REPOSITORY and GITHUB_REF"),
        ({"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "o/r", "GITHUB_REF": "refs/heads/main"}, "no pull request"),
        ({"GITLAB_CI": "true"}, "no merge request to comment on: CI_MERGE_REQUEST_IID and GITLAB_TOKEN"),
    ],
)
def test_without_a_request_it_says_what_is_missing(environment: dict[str, str], said: str) -> None:
    with pytest.raises(UnmoorError, match=said):
        thread_of(environment)


def test_a_host_that_does_not_answer_is_one_line() -> None:
    thread = thread_of({**Host.github(type("H", (), {"url": "http://127.0.0.1:1"})())})
    with pytest.raises(UnmoorError, match=r"^GitHub at 127.0.0.1:1 did not answer: .*; try again$"):
        post(thread, text="x", mark=MARK)
