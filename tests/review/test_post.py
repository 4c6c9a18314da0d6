"""One comment, made once and then changed in place, on an API that answers as GitHub's and GitLab's do."""

from __future__ import annotations

import pytest
from comment_host import Host

from unmoor.errors import UnmoorError
from unmoor.review.comment import thread_of, upsert_comment

MARK = "<!-- unmoor review: a prod -->"


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_comment_is_made_once_and_then_changed_in_place(host: Host, kind: str) -> None:
    host.comments = [{"id": n, "body": "of somebody else"} for n in range(1, 151)]
    thread = thread_of(getattr(host, kind)())
    assert upsert_comment(thread, text=f"{MARK}\none", marker=MARK) == "created"
    assert upsert_comment(thread, text=f"{MARK}\ntwo", marker=MARK) == "updated"
    assert [c["body"] for c in host.comments if MARK in c["body"]] == [f"{MARK}\ntwo"]
    assert len(host.comments) == 151
    assert host.tokens in ({"Bearer planted-token"}, {"planted-token"})


def test_each_agent_and_environment_has_a_comment_of_its_own(host: Host) -> None:
    thread = thread_of(host.github())
    other = MARK.replace("prod", "dev")
    assert [upsert_comment(thread, text=m, marker=m) for m in (MARK, other, MARK)] == ["created", "created", "updated"]


def test_a_token_without_the_right_says_which_and_never_itself(host: Host) -> None:
    host.refuses = 403
    thread = thread_of(host.github())
    with pytest.raises(UnmoorError) as caught:
        upsert_comment(thread, text="x", marker=MARK)
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
        upsert_comment(thread, text="x", marker=MARK)
