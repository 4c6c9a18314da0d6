"""One comment for each agent and environment: created once, then updated in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from unmoor.errors import UnmoorError
from unmoor.http_pool import pool_for, root_cause

PAGE = 100
TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentThread:
    """The comment API of a pull or merge request: its addresses, its authentication, and the method that updates."""

    host: str
    comments: str
    single: str
    headers: Mapping[str, str] = field(repr=False)
    update_method: str = "PATCH"


def thread_of(environment: Mapping[str, str]) -> CommentThread:
    """The request that a CI job runs for, on GitHub Actions or GitLab; UnmoorError names the missing variables.

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
    return CommentThread(
        host="GitLab", comments=base, single=base, headers={"PRIVATE-TOKEN": token}, update_method="PUT"
    )


def upsert_comment(thread: CommentThread, *, text: str, marker: str) -> str:
    """Updates the comment that contains the marker, or creates one; `created` or `updated`."""
    comment_id = _find_comment(thread, marker)
    if comment_id is None:
        _request(thread, "POST", thread.comments, {"body": text})
        return "created"
    _request(thread, thread.update_method, f"{thread.single}/{comment_id}", {"body": text})
    return "updated"


def _find_comment(thread: CommentThread, marker: str) -> int | None:
    page = 1
    while True:
        comments = _request(thread, "GET", f"{thread.comments}?per_page={PAGE}&page={page}")
        for comment in comments:
            if marker in (comment.get("body") or ""):
                return int(comment["id"])
        if len(comments) < PAGE:
            return None
        page += 1


def _request(thread: CommentThread, method: str, url: str, body: Mapping[str, str] | None = None) -> Any:
    headers = {**thread.headers, "User-Agent": "unmoor"}
    place = urlsplit(url)
    try:
        response = pool_for(url).request(method, url, json=body, headers=headers, retries=False, timeout=TIMEOUT_S)
        if response.status < 300:
            return response.json()
    except (HTTPError, OSError, ValueError) as error:
        raise UnmoorError(f"{thread.host} at {place.netloc} did not answer: {root_cause(error)}; try again") from None
    forbidden = response.status in (401, 403, 404)
    remedy = "give the token the right to write to pull requests" if forbidden else "try again"
    raise UnmoorError(f"{thread.host} answered {response.status} to {method} {place.path}; {remedy}")
