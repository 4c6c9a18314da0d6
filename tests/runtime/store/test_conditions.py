"""A store that does not exist, or that ignores conditions, is refused before anything is stored in it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from obstore.exceptions import GenericError

from unmoor.runtime.errors import ConfigurationError, TransientError
from unmoor.runtime.store import Store, cloud, open_store, verify_store

S3 = {"access_key_id": "a", "secret_access_key": "b", "region": "eu-west-1"}


def test_a_store_that_honors_conditions_is_accepted_and_left_empty(store: Store) -> None:
    async def act() -> list[str]:
        await verify_store(store)
        return [entry.key async for entry in store.list("")]

    assert asyncio.run(act()) == []


def uncaring(objects: dict[str, bytes]) -> web.Application:
    """A server with S3's API that takes every write, whatever its conditions."""

    async def handle(request: web.Request) -> web.Response:
        if request.method == "POST":  # DeleteObjects
            objects.clear()
            return web.Response(text="<DeleteResult></DeleteResult>", content_type="application/xml")
        if request.method == "PUT":
            objects[request.path] = await request.read()
        if request.path not in objects:
            return web.Response(status=404)
        content = objects[request.path]
        headers = {"etag": f'"{hashlib.md5(content).hexdigest()}"', "last-modified": "Sun, 29 Nov 2026 12:00:00 GMT"}
        return web.Response(body=content if request.method == "GET" else b"", headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def test_a_server_that_ignores_conditions_is_refused_and_keeps_nothing() -> None:
    objects: dict[str, bytes] = {}

    async def act() -> None:
        runner = web.AppRunner(uncaring(objects), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        store = open_store("s3://b", config={**S3, "endpoint": f"http://{host}:{port}"}, allow_http=True)
        try:
            await verify_store(store)
        finally:
            await runner.cleanup()

    with pytest.raises(ConfigurationError, match=r"^store: this server ignores conditional writes"):
        asyncio.run(act())
    assert objects == {}


def every_method(store: Store, folder: Path) -> list[Callable[[], Awaitable[object]]]:
    """All but compare_and_swap, which moto answers in a missing bucket as if the version were another."""

    async def listed() -> object:
        return [entry async for entry in store.list("runs/")]

    (folder / "file").write_bytes(b"1")
    return [
        lambda: store.get("runs/a"),
        lambda: store.put_if_absent("runs/a", b"1"),
        lambda: store.put("runs/a", b"1"),
        listed,
        lambda: store.upload("runs/a", folder / "file"),
        lambda: store.download("runs/a", folder / "to"),
        lambda: verify_store(store),
    ]


def test_a_bucket_that_does_not_exist_is_no_empty_store(missing: Store, tmp_path: Path) -> None:
    for act in every_method(missing, tmp_path):
        with pytest.raises(TransientError, match=r"^store: the bucket does not exist; create it, or correct"):
            asyncio.run(_awaited(act))


async def _awaited(act: Callable[[], Awaitable[object]]) -> object:
    return await act()


@pytest.mark.parametrize("asked", ["http://169.254.169.254/latest/api/token", "http://metadata.google.internal/token"])
def test_a_store_without_credentials_says_so(asked: str) -> None:
    """As obstore reports it: it found none in the environment, and asked the platform that it is not on."""
    error = GenericError(f"Generic S3 error: Error performing PUT {asked} in 1.2s, after 1 retries")
    with pytest.raises(TransientError, match=r"^store: no credentials were found for it; log in with"):
        _raise_as_the_store_does(error)


def _raise_as_the_store_does(error: Exception) -> None:
    with cloud._transient_errors("runs/a"):
        raise error
