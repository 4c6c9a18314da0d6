"""Each backend as a running server, and a store that nobody has written to yet."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import fake_gcs
import pytest
from aiohttp import web
from processes import free_port, npm_program, server

from unmoor.runtime.store import Store, open_store

BACKENDS = ("file", "memory", "s3", "az", "gs")
# Azurite's own published account: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

S3 = {
    "virtual_hosted_style_request": "false",
    "region": "us-east-1",
    "access_key_id": "a",
    "secret_access_key": "s",
}


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, folder = free_port(), tmp_path_factory.mktemp("azurite")
    program = npm_program("azurite", "azurite-blob")
    argv = [program, "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--blobHost", "127.0.0.1"]
    argv += ["--blobPort", str(port), "--location", str(folder / "data")]
    with server(argv, port, log=folder / "log"):
        yield f"http://127.0.0.1:{port}/{ACCOUNT}"


@pytest.fixture(scope="session")
def google() -> Iterator[str]:
    """The fake runs in a thread of its own, with a loop of its own."""
    port, ready, stop = free_port(), threading.Event(), threading.Event()

    async def serve() -> None:
        runner = web.AppRunner(fake_gcs.application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        ready.set()
        await asyncio.to_thread(stop.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    yield f"http://127.0.0.1:{port}"
    stop.set()
    thread.join(10)


@pytest.fixture(params=[b if b in ("file", "memory") else pytest.param(b, marks=pytest.mark.slow) for b in BACKENDS])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens one and the same empty store, again and again: several processes would each open their own."""
    return OPENERS[request.param](request, tmp_path)


@pytest.fixture
def store(opened: Callable[[], Store]) -> Store:
    return opened()


@pytest.fixture(params=[pytest.param(b, marks=pytest.mark.slow) for b in ("s3", "az")])
def missing(request: pytest.FixtureRequest) -> Store:
    """A store whose bucket does not exist."""
    if request.param == "s3":
        config = {**S3, "endpoint": request.getfixturevalue("moto")}
        return open_store("s3://no-such-bucket", config=config, allow_http=True)
    config = {"azure_storage_endpoint": request.getfixturevalue("azurite"), "azure_storage_account_key": KEY}
    return open_store(f"az://no-such-container@{ACCOUNT}.blob.core.windows.net", config=config, allow_http=True)


def _file(request: pytest.FixtureRequest, folder: Path) -> Callable[[], Store]:
    return lambda: open_store((folder / "store").as_uri())


def _memory(request: pytest.FixtureRequest, folder: Path) -> Callable[[], Store]:
    one = open_store("memory://")
    return lambda: one


def _s3(request: pytest.FixtureRequest, folder: Path) -> Callable[[], Store]:
    endpoint, bucket = request.getfixturevalue("moto"), f"b-{uuid.uuid4().hex}"
    config = {**S3, "endpoint": endpoint}
    urlopen(Request(f"{endpoint}/{bucket}", method="PUT")).read()
    return lambda: open_store(f"s3://{bucket}", config=config, allow_http=True)


def _azure(request: pytest.FixtureRequest, folder: Path) -> Callable[[], Store]:
    endpoint, container = request.getfixturevalue("azurite"), f"c-{uuid.uuid4().hex}"
    _make_container(endpoint, container)
    config: dict[str, Any] = {"azure_storage_endpoint": endpoint, "azure_storage_account_key": KEY}
    url = f"az://{container}@{ACCOUNT}.blob.core.windows.net"
    return lambda: open_store(url, config=config, allow_http=True)


def _make_container(endpoint: str, container: str) -> None:
    """By a signature of the account's, since obstore makes no containers."""
    import hashlib
    import hmac
    from datetime import UTC, datetime

    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"x-ms-date": date, "x-ms-version": "2021-08-06", "Content-Length": "0"}
    canonical = f"x-ms-date:{date}\nx-ms-version:2021-08-06\n/{ACCOUNT}/{ACCOUNT}/{container}\nrestype:container"
    text = "PUT" + "\n" * 12 + canonical
    digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
    request = Request(f"{endpoint}/{container}?restype=container", method="PUT", headers=headers, data=b"")
    request.add_unredirected_header("Content-Type", "")
    urlopen(request).read()


def _google(request: pytest.FixtureRequest, folder: Path) -> Callable[[], Store]:
    endpoint, bucket = request.getfixturevalue("google"), f"b-{uuid.uuid4().hex}"
    account = folder / "account.json"
    account.write_text(
        json.dumps(
            {
                "gcs_base_url": endpoint,
                "disable_oauth": True,
                "client_email": "",
                "private_key": "",
                "private_key_id": "",
            }
        )
    )
    config = {"google_service_account": str(account)}
    return lambda: open_store(f"gs://{bucket}", config=config, allow_http=True)


OPENERS = {"file": _file, "memory": _memory, "s3": _s3, "az": _azure, "gs": _google}
