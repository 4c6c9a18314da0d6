"""One comment for one agent and environment, made once and then changed in place."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unmoor.errors import UnmoorError

PAGE = 100
TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentThread:
    """Where a pull or merge request's comments are: its API, how it is opened, and how a comment is changed."""

    host: str
    comments: str
    single: str
    headers: Mapping[str, str] = field(repr=False)
    changing: str = "PATCH"


def thread_of(environment: Mapping[str, str]) -> CommentThread:
    """The request that a CI job runs for, as GitHub Actions and GitLab say it; UnmoorError with what is not there.

    https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    https://docs.gitlab.com/ci/variables/predefined_variables/
    """
    return _gitlab(environment) if environment.get("GITLAB_CI") else _github(environment)


def _github(environment: Mapping[str, str]) -> CommentThread:
    """https://docs.github.com/en/rest/issues/comments"""
    token, repository = environment.get("GITHUB_TOKEN", ""), environment.get("GITHUB_REPOSITORY", "")
    number = environment.get("GITHUB_REF", "").removeprefix("refs/pull/").split("/")[0]
    if not token or not repository or not number.isdigit():
        rule = (
            "no pull request to comment on: GITHUB_TOKEN, GITHUB_REPOSITORY and GITHUB_REF=refs/pull/N/merge say which"
        )
        raise UnmoorError(f"{rule}; run it on pull_request, with permission pull-requests: write")
    api = environment.get("GITHUB_API_URL") or "https://api.github.com"
    base = f"{api}/repos/{repository}/issues"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    return CommentThread(
        host="GitHub", comments=f"{base}/{number}/comments", single=f"{base}/comments", headers=headers
    )


def _gitlab(environment: Mapping[str, str]) -> CommentThread:
    """https://docs.gitlab.com/api/notes/#merge-requests"""
    api, project = environment.get("CI_API_V4_URL", ""), environment.get("CI_PROJECT_ID", "")
    number, token = environment.get("CI_MERGE_REQUEST_IID", ""), environment.get("GITLAB_TOKEN", "")
    if not all((api, project, number, token)):
        rule = "no merge request to comment on: CI_MERGE_REQUEST_IID and GITLAB_TOKEN say which, and may write to it"
        raise UnmoorError(f"{rule}; run it in a merge request's pipeline, with a token of scope api")
    base = f"{api}/projects/{project}/merge_requests/{number}/notes"
    return CommentThread(host="GitLab", comments=base, single=base, headers={"PRIVATE-TOKEN": token}, changing="PUT")


def upsert_comment(thread: CommentThread, *, text: str, mark: str) -> str:
    """`made` or `changed`: the first comment that has the mark is changed, and one is made where none has it."""
    found = _found(thread, mark)
    if found is None:
        _asked(thread, "POST", thread.comments, {"body": text})
        return "made"
    _asked(thread, thread.changing, f"{thread.single}/{found}", {"body": text})
    return "changed"


def _found(thread: CommentThread, mark: str) -> int | None:
    page = 1
    while True:
        comments = _asked(thread, "GET", f"{thread.comments}?per_page={PAGE}&page={page}")
        for comment in comments:
            if mark in (comment.get("body") or ""):
                return int(comment["id"])
        if len(comments) < PAGE:
            return None
        page += 1


def _asked(thread: CommentThread, method: str, url: str, body: Mapping[str, str] | None = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    headers = {**thread.headers, "Content-Type": "application/json", "User-Agent": "unmoor"}
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    place = urllib.parse.urlsplit(url)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        error.close()
        remedy = "give the token the right to write to pull requests" if error.code in (401, 403, 404) else "try again"
        raise UnmoorError(f"{thread.host} answered {error.code} to {method} {place.path}; {remedy}") from None
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise UnmoorError(f"{thread.host} at {place.netloc} did not answer: {error}; try again") from None
