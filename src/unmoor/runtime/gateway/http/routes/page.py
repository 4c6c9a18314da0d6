"""The page and its files, which need no token: they contain nothing of any agent."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.requests import matches_if_none_match
from unmoor.runtime.gateway.http.resource_route import ResourceRoute
from unmoor.runtime.http.responses import HttpError

PAGE = "unmoor.runtime.gateway.page"
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
# The page may only run its own files and call its own gateway. Texts never become markup or code.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def routes(api: ApiContext) -> list[ResourceRoute]:
    return [ResourceRoute("/", get=index), ResourceRoute("/page/{name}", get=file)]


async def index(request: Request) -> Response:
    return _file_response(request, "index.html")


async def file(request: Request) -> Response:
    if request.path_params["name"] not in _files():
        raise HttpError(404, "the page has no such file")
    return _file_response(request, request.path_params["name"])


def _file_response(request: Request, name: str) -> Response:
    content = _files()[name]
    headers = {**HEADERS, "etag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'}
    if matches_if_none_match(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=KINDS[name.rsplit(".", 1)[-1]])


@cache
def _files() -> dict[str, bytes]:
    folder = resources.files(PAGE)
    return {f.name: f.read_bytes() for f in folder.iterdir() if f.name.rsplit(".", 1)[-1] in KINDS}
