"""A Cloud Storage of the tests' own: the XML API as far as obstore uses it, with preconditions that are honoured.

https://docs.cloud.google.com/storage/docs/xml-api/reference-headers#xgoogifgenerationmatch
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from aiohttp import web


@dataclass
class Bucket:
    """Objects by name: content, generation, time of the last write."""

    objects: dict[str, tuple[bytes, int, datetime]] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    generations: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def write(self, name: str, content: bytes) -> int:
        generation = next(self.generations)
        self.objects[name] = (content, generation, datetime.now(UTC))
        return generation


def application() -> web.Application:
    """The server's application; a bucket is there as soon as it is named."""
    buckets: dict[str, Bucket] = defaultdict(Bucket)
    app = web.Application(client_max_size=2**30)

    async def dispatch(request: web.Request) -> web.Response:
        bucket, name = buckets[request.match_info["bucket"]], request.match_info.get("name", "")
        if request.method == "GET" and not name:
            return listing(bucket, request)
        handlers = {"PUT": put, "GET": get, "HEAD": get, "DELETE": delete, "POST": multipart}
        return await handlers[request.method](bucket, name, request)

    app.router.add_route("*", "/{bucket}", dispatch)
    app.router.add_route("*", "/{bucket}/", dispatch)
    app.router.add_route("*", "/{bucket}/{name:.+}", dispatch)
    return app


async def put(bucket: Bucket, name: str, request: web.Request) -> web.Response:
    content = await request.read()
    if upload := request.query.get("uploadId"):
        bucket.uploads[upload][int(request.query["partNumber"])] = content
        return web.Response(headers={"ETag": f'"{request.query["partNumber"]}"'})
    wanted = request.headers.get("x-goog-if-generation-match")
    there = bucket.objects.get(name)
    if wanted is not None and int(wanted) != (there[1] if there else 0):
        return web.Response(status=412, text="<Error><Code>PreconditionFailed</Code></Error>")
    generation = bucket.write(name, content)
    return web.Response(headers=about(content, generation))


async def get(bucket: Bucket, name: str, request: web.Request) -> web.Response:
    if name not in bucket.objects:
        return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
    content, generation, modified = bucket.objects[name]
    headers = {**about(content, generation), "Last-Modified": format_datetime(modified, usegmt=True)}
    return web.Response(body=content, headers=headers)


async def delete(bucket: Bucket, name: str, request: web.Request) -> web.Response:
    there = bucket.objects.pop(name, None)
    return web.Response(status=204 if there else 404)


async def multipart(bucket: Bucket, name: str, request: web.Request) -> web.Response:
    if "uploads" in request.query:
        upload = f"upload-{len(bucket.uploads)}"
        bucket.uploads[upload] = {}
        text = (
            f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId><Bucket>b</Bucket><Key>{escape(name)}</Key>"
            "</InitiateMultipartUploadResult>"
        )
        return web.Response(text=text, content_type="application/xml")
    parts = bucket.uploads.pop(request.query["uploadId"])
    content = b"".join(parts[number] for number in sorted(parts))
    generation = bucket.write(name, content)
    tag = about(content, generation)["ETag"]
    text = f"<CompleteMultipartUploadResult><ETag>{escape(tag)}</ETag></CompleteMultipartUploadResult>"
    return web.Response(text=text, content_type="application/xml", headers=about(content, generation))


def listing(bucket: Bucket, request: web.Request) -> web.Response:
    prefix, after = request.query.get("prefix", ""), request.query.get("start-after", "")
    after = request.query.get("continuation-token", after)
    names = [n for n in sorted(bucket.objects) if n.startswith(prefix) and n > after]
    most = min(int(request.query.get("max-keys", 1000)), 1000)
    page, more = names[:most], len(names) > most
    rows = "".join(row(name, *bucket.objects[name]) for name in page)
    token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
    text = f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
    return web.Response(text=text, content_type="application/xml")


def row(name: str, content: bytes, generation: int, modified: datetime) -> str:
    when = modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    tag = escape(about(content, generation)["ETag"])
    return (
        f"<Contents><Key>{escape(name)}</Key><Size>{len(content)}</Size><LastModified>{when}</LastModified>"
        f"<ETag>{tag}</ETag><Generation>{generation}</Generation></Contents>"
    )


def about(content: bytes, generation: int) -> dict[str, str]:
    tag = hashlib.md5(content + str(generation).encode()).hexdigest()
    return {"ETag": f'"{tag}"', "x-goog-generation": str(generation)}
