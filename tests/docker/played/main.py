"""The provider `docker` or `random` of the tests: `python main.py NAME ADDRESS`, as a Pulumi engine starts it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import docker
from containers import Containers
from frame import Kind, Values, serve
from others import Images, Networks, RemoteImages, Volumes
from randoms import Passwords

TIMEOUT_S = 300


def docker_kinds(settings: Values) -> Mapping[str, Kind]:
    """Docker's, on the engine that the settings say."""
    engine = connected(settings)
    kinds = {
        "container:Container": Containers(engine),
        "network:Network": Networks(engine),
        "volume:Volume": Volumes(engine),
        "image:Image": Images(engine),
        "remoteImage:RemoteImage": RemoteImages(engine),
    }
    return {f"docker:index/{name}": kind for name, kind in kinds.items()}


def random_kinds(settings: Values) -> Mapping[str, Kind]:
    """Random's."""
    return {"random:index/randomPassword:RandomPassword": Passwords()}


def connected(settings: Values) -> docker.APIClient:
    """A client of the engine."""
    host = settings["host"]
    if host.startswith("ssh://"):
        host = _forwarded(urlsplit(host), json.loads(settings.get("sshOpts", "[]")))
    return docker.APIClient(base_url=host, version="auto", timeout=TIMEOUT_S)


def _forwarded(host: SplitResult, options: list[str]) -> str:
    """The engine's socket at the other end, here: the SDK has no way to take options. It ends with this process."""
    place = str(Path(tempfile.mkdtemp(prefix="unmoor-ssh-"), "docker.sock"))
    forward = ("-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-L", f"{place}:/var/run/docker.sock")
    to = ("-p", str(host.port or 22), "-l", host.username or "root", str(host.hostname))
    pipe = subprocess.PIPE
    process = subprocess.Popen(["ssh", *options, *forward, *to, "cat"], stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdin is not None
    assert process.stderr is not None
    while not _listens(place):
        if process.poll() is not None:
            raise OSError(process.stderr.read().decode().strip())
        time.sleep(0.05)
    return f"unix://{place}"


def _listens(place: str) -> bool:
    with socket.socket(socket.AF_UNIX) as trying:
        return trying.connect_ex(place) == 0


if __name__ == "__main__":
    serve({"docker": docker_kinds, "random": random_kinds}[sys.argv[1]])
