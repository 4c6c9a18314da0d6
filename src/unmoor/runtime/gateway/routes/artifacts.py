"""The files that a run left: downloads, and never pages of ours."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from unmoor.runtime import layout
from unmoor.runtime.gateway import asked
from unmoor.runtime.gateway.answers import SAFE, Refusal
from unmoor.runtime.gateway.api import Api
from unmoor.runtime.gateway.resource import Resource


def routes(api: Api) -> list[Resource]:
    return [Resource("/runs/{id}/artifacts/{path:path}", get=partial(artifact, api))]


async def artifact(api: Api, request: Request) -> Response:
    """A file that the run left. Only paths that its record names are looked for, so that none leads elsewhere."""
    asked.only(request.query_params)
    record, path = await api.record(request), request.path_params["path"]
    if all(artifact.path != path for artifact in record.artifacts):
        raise Refusal(404, "the run has no artifact of that path")
    handle, name = tempfile.mkstemp(prefix="artifact-")
    os.close(handle)
    remove = BackgroundTask(Path(name).unlink, missing_ok=True)
    if not await api.store.download(layout.artifact(record.id, path), Path(name)):
        await remove()
        raise Refusal(410, "the artifact is no longer in the store")
    file = quote(path.rsplit("/", 1)[-1], safe="")
    headers = {
        **SAFE,
        "content-disposition": f"attachment; filename*=UTF-8''{file}",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return FileResponse(name, headers=headers, media_type="application/octet-stream", background=remove)
