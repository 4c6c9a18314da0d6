"""Whether a machine's containers run what was deployed, by what Docker answers over its socket."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from cases import plan_of

from unmoor.docker.engine import DockerHost, DockerUnavailable, demultiplex_logs
from unmoor.target import Outputs
from unmoor.target.revision import Revision
from unmoor.targets.vm_docker.names import name
from unmoor.targets.vm_docker.serving import container_state, inspect_containers, roles

PLAN = plan_of()
IMAGE, BUNDLE = "sha256:" + "1" * 64, "b" * 64
OUTPUTS = Outputs(
    url="u", store_url="s", token="t", gateway="g", run="r", logs="l", image="unmoor/agent:x", bundle=BUNDLE
)


def container(**more: Any) -> dict[str, Any]:
    state = {"Status": "running", "ExitCode": 0, "OOMKilled": False, "Error": "", "Health": {"Status": "healthy"}}
    return {
        "Image": more.pop("Image", IMAGE),
        "Config": {"Env": more.pop("Env", [f"UNMOOR_BUNDLE={BUNDLE}", "A=b=c"])},
        "State": {**state, **more},
    }


@contextlib.contextmanager
def docker(folder: Path, answers: dict[str, Any]) -> Iterator[DockerHost]:
    """An engine on a socket: JSON for each path, or bytes as they are."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            values = answers.get(unquote(self.path))
            content = (
                values if isinstance(values, bytes) else json.dumps(values or {"message": "No such thing"}).encode()
            )
            self.send_response(200 if values is not None else 404)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def address_string(self) -> str:
            return "here"

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with Server(str(folder / "docker.sock"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with DockerHost(url=f"unix://{folder}/docker.sock") as host:
                yield host
        finally:
            server.shutdown()
            thread.join()


def machine(**containers: Any) -> dict[str, Any]:
    """A machine on which all of the agent's containers are well, but for these."""
    found = {role: container(Image="sha256:caddy", Env=[]) if role == "proxy" else container() for role in roles(PLAN)}
    found |= {role.replace("_", "-"): value for role, value in containers.items()}
    answers = {f"/containers/{name(PLAN, role)}/json": value for role, value in found.items() if value is not None}
    return {"/images/unmoor/agent:x/json": {"Id": IMAGE}, **answers}


def test_containers_that_run_the_image_and_the_bundle_serve(tmp_path: Path) -> None:
    with docker(tmp_path, machine()) as host:
        found = inspect_containers(host, OUTPUTS, PLAN)
    assert found == Revision(state="serves", text=f"{len(roles(PLAN))} containers run unmoor/agent:x")


def test_the_container_that_failed_is_said_before_one_that_comes_up_with_its_last_lines_alone(tmp_path: Path) -> None:
    restarting = container(Status="restarting", ExitCode=2)
    guard = name(PLAN, "guard")
    answers = machine(gateway_0=container(Health={"Status": "starting"}), guard=restarting)
    framed = b"\x01\0\0\0\0\0\0\x04one\n" + b"\x02\0\0\0\0\0\0\x04two\n"
    answers[f"/containers/{guard}/logs?stdout=true&stderr=true&tail=20"] = framed
    with docker(tmp_path, answers) as host:
        found = inspect_containers(host, OUTPUTS, PLAN)
    assert found == Revision(state="failed", text=f"{guard} is restarting: exit code 2", log=("one", "two"))


def test_what_is_not_on_the_machine_is_said(tmp_path: Path) -> None:
    launcher = name(PLAN, "launcher")
    with docker(tmp_path, machine(launcher=None)) as host:
        assert inspect_containers(host, OUTPUTS, PLAN).text == (
            f"the container {launcher} does not exist; unmoor refresh and unmoor up create it again"
        )
    (tmp_path / "docker.sock").unlink()
    with docker(tmp_path, {"/x": 1}) as host:
        assert inspect_containers(host, OUTPUTS, PLAN).text == (
            "the image unmoor/agent:x is not on the machine; unmoor up creates it"
        )


@pytest.mark.parametrize(
    ("given", "revision"),
    [
        (container(), Revision(state="serves", text="c")),
        (container(Health=None), Revision(state="serves", text="c")),
        (container(Health={"Status": "starting"}), Revision(state="moving", text="c is starting")),
        (container(Status="created", Health=None), Revision(state="moving", text="c is created")),
        (container(Status="exited", ExitCode=137, OOMKilled=True), "c is exited: the kernel killed it: out of memory"),
        (container(Status="exited", Error="no such file"), "c is exited: no such file"),
        (container(Image="sha256:" + "2" * 64), "c runs the image sha256:222222222222 not the deployed sha256:111111111111"),
        (container(Env=["UNMOOR_BUNDLE=" + "a" * 64]), "c has the bundle aaaaaaaaaaaa not the deployed bbbbbbbbbbbb"),
        (container(Env=None), Revision(state="serves", text="c")),
        (
            container(Health={"Status": "unhealthy", "Log": [{"Output": "old"}, {"Output": "not ready\n"}]}),
            "c is unhealthy: not ready",
        ),
        (container(Health={"Status": "unhealthy"}), "c is unhealthy: its check fails"),
    ],
)  # fmt: skip
def test_how_a_container_stands(given: dict[str, Any], revision: Any) -> None:
    expected = Revision(state="failed", text=revision) if isinstance(revision, str) else revision
    assert container_state("c", given, IMAGE, BUNDLE) == expected


def test_roles_follow_the_plan() -> None:
    assert roles(PLAN) == ("gateway-0", "gateway-1", "guard", "launcher", "proxy")
    assert roles(plan_of(run={"isolation": "process"}, gateway={"max": 1})) == ("gateway-0", "guard", "proxy")


def test_a_socket_that_is_not_there_is_said(tmp_path: Path) -> None:
    with DockerHost(url=f"unix://{tmp_path}/none.sock") as host, pytest.raises(DockerUnavailable) as raised:
        host.version()
    assert str(raised.value) == "No such file or directory"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"\x01\0\0\0\0\0\0\x03abc\x02\0\0\0\0\0\0\x01d", b"abcd"),
        (b"of a terminal, as it is\n", b"of a terminal, as it is\n"),
        (b"\x01\0\0\0\0\0\0\x09cut", b"cut"),
        (b"", b""),
    ],
)
def test_what_a_container_wrote_is_read_without_its_frames(written: bytes, read: bytes) -> None:
    assert demultiplex_logs(written) == read
