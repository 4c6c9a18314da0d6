"""Downloads of a run's artifacts."""

from __future__ import annotations

import os
import re
import tempfile
from functools import partial
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from unmoor.runtime.gateway.http import requests
from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.resource_route import ResourceRoute
from unmoor.runtime.http.responses import SAFE, HttpError
from unmoor.runtime.state import keys

HEADERS = {"content-security-policy": "default-src 'none'; sandbox", "referrer-policy": "no-referrer"}


def routes(api: ApiContext) -> list[ResourceRoute]:
    return [ResourceRoute("/runs/{id}/artifacts/{path:path}", get=partial(artifact, api))]


async def artifact(api: ApiContext, request: Request) -> Response:
    """An artifact. Only paths in the run's record are served, so that no path escapes."""
    requests.reject_unknown_params(request.query_params)
    record, path = await api.record(request.path_params["id"]), request.path_params["path"]
    saved = next((each for each in record.artifacts if each.path == path), None)
    if saved is None:
        raise HttpError(404, "the run has no artifact with this path")
    name = quote(path.rsplit("/", 1)[-1], safe="")
    disposition = {"content-disposition": f"attachment; filename*=UTF-8''{name}", "etag": f'"{saved.sha256}"'}
    headers = {**SAFE, **HEADERS, **disposition}
    if requests.matches_if_none_match(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    _check_range(request, saved.size_bytes)
    return await _file(api, keys.artifact_key(record.id, path), headers)


async def _file(api: ApiContext, key: str, headers: dict[str, str]) -> Response:
    handle, name = tempfile.mkstemp(prefix="artifact-")
    os.close(handle)
    try:
        if not await api.store.download(key, Path(name)):
            raise HttpError(410, "the artifact is no longer in the store")
    except BaseException:
        Path(name).unlink()
        raise
    return _TemporaryFile(name, headers=headers, media_type="application/octet-stream")


class _TemporaryFile(FileResponse):
    """A response with a file that is deleted afterwards."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            Path(self.path).unlink(missing_ok=True)


def _check_range(request: Request, size: int) -> None:
    """HttpError for a range outside of the file. Other invalid ranges are ignored, as RFC 9110 (14.2) allows."""
    text = request.headers.get("range", "")
    match = re.fullmatch(r"bytes=(\d{1,18})-(\d{1,18})?|bytes=-(\d{1,18})", text, re.ASCII)
    first, last, suffix = match.groups() if match else (None, None, None)
    if suffix is not None and int(suffix) > 0 and size > 0:
        return
    if suffix is not None or (first is not None and int(first) >= size):
        raise HttpError(416, f"the file has {size} bytes", content_range=f"bytes */{size}")
    if first is None or (last is not None and int(last) < int(first)):
        request.scope["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
