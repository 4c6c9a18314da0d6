"""`unmoor-agent launch`: what can be said to it, and what it makes of that."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from gateways import until
from platforms import TEMPLATE, Machine, machine

from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.launcher.docker_api import Engine
from unmoor.runtime.launcher.run_containers import RunContainers
from unmoor.runtime.launcher.run_template import Template, parse_template

RUN, OTHER = "run-ybqr5rxvt-5z939m3", "run-ybqr5rxvt-5z939m4"


def play(folder: Path, act: Callable[[Machine, Any], Any], *, most: int = 4) -> None:
    async def whole() -> None:
        async with machine(folder, most=most) as place, aiohttp.ClientSession() as session:

            async def ask(method: str, path: str, **more: Any) -> tuple[int, Any]:
                async with session.request(method, place.url + path, **more) as got:
                    return got.status, await got.json()

            await act(place, ask)

    asyncio.run(whole())


def test_a_container_is_the_template_with_the_runs_id_and_nothing_of_the_request(tmp_path: Path) -> None:
    async def act(place: Machine, ask: Any) -> None:
        body = {"Image": "other", "Cmd": ["sh"], "HostConfig": {"Privileged": True}}
        status, said = await ask(
            "POST", f"/runs/{RUN}?privileged=true&image=other", json=body, headers={"x-image": "other"}
        )
        assert (status, said) == (202, {"run": RUN})
        [made] = place.engine.starts
        assert made.name == f"agent-run-{RUN}"
        labels = {**TEMPLATE["Labels"], "unmoor.run": RUN, "unmoor.launcher": "agent-run"}
        assert made.config == {**TEMPLATE, "Cmd": ["run", RUN], "Labels": labels}

    play(tmp_path, act)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/runs/--privileged", 404),
        ("POST", "/runs/..%2f..%2fcontainers%2fcreate", 404),
        ("POST", f"/runs/{RUN}x", 404),
        ("POST", f"/runs/{RUN.upper()}", 404),
        ("DELETE", "/runs/agent-guard", 404),
        ("DELETE", "/runs/*", 404),
        ("POST", "/runs", 405),
        ("PUT", f"/runs/{RUN}", 405),
        ("GET", f"/runs/{RUN}", 405),
        ("POST", "/containers/create", 404),
        ("GET", "/v1.45/containers/json", 404),
        ("GET", "/", 404),
    ],
)
def test_nothing_else_can_be_said_to_it(tmp_path: Path, method: str, path: str, status: int) -> None:
    async def act(place: Machine, ask: Any) -> None:
        answered, said = await ask(method, path)
        assert answered == status
        assert said["error"]["message"] in (
            "this is not a run id",
            "the launcher only starts, stops and lists runs",
        )
        assert place.engine.containers == {}

    play(tmp_path, act)


def test_it_lists_runs_and_how_they_ended(tmp_path: Path) -> None:
    async def act(place: Machine, ask: Any) -> None:
        await ask("POST", f"/runs/{RUN}")
        await ask("POST", f"/runs/{OTHER}")
        place.engine.end(f"agent-run-{OTHER}", 137, out_of_memory=True)
        assert await ask("GET", "/runs") == (
            200,
            {
                "runs": [
                    {"run": RUN, "ended": False, "code": 0, "said": ""},
                    {"run": OTHER, "ended": True, "code": 137, "said": "its container ran out of memory"},
                ]
            },
        )

    play(tmp_path, act)


def test_a_container_of_somebody_elses_is_neither_started_stopped_nor_removed(tmp_path: Path) -> None:
    async def act(place: Machine, ask: Any) -> None:
        await ask("POST", f"/runs/{RUN}")
        [taken] = place.engine.containers.values()
        taken.config["Labels"] = {"unmoor.run": RUN, "unmoor.launcher": "another-agent-run"}
        says = f"agent-run-{RUN} is a container that this launcher did not create; remove or rename it"
        for method in ("POST", "DELETE"):
            assert await ask(method, f"/runs/{RUN}") == (409, {"error": {"status": 409, "message": says}})
        place.engine.end(taken.name, 0)
        assert (await ask("POST", f"/runs/{RUN}"))[0] == 409
        assert place.engine.removed == []
        assert await ask("GET", "/runs") == (200, {"runs": []})

    play(tmp_path, act)


def test_no_more_runs_are_there_than_the_spec_says(tmp_path: Path) -> None:
    async def act(place: Machine, ask: Any) -> None:
        ids = [f"run-ybqr5rxvt-5z939m{n}" for n in range(5)]
        answers = await asyncio.gather(*(ask("POST", f"/runs/{run}") for run in ids))
        assert sorted(status for status, _ in answers) == [202, 202, 429, 429, 429]
        place.engine.end(place.engine.starts[0].name, 0)
        assert (await ask("POST", f"/runs/{RUN}"))[0] == 202

    play(tmp_path, act, most=2)


def test_a_container_that_was_made_and_not_started_is_in_nobodys_way(tmp_path: Path) -> None:
    async def act(place: Machine, ask: Any) -> None:
        place.engine.refusing_start = (500, "OCI runtime create failed")
        status, said = await ask("POST", f"/runs/{RUN}")
        assert (status, said["error"]["message"]) == (
            503,
            f"Docker answered POST /v1.45/containers/{'0' * 64}/start with 500: OCI runtime create failed",
        )
        assert place.engine.containers == {}
        place.engine.refusing_start = None
        assert (await ask("POST", f"/runs/{RUN}"))[0] == 202
        place.engine.starts[0].status = "created"  # as a launcher that was killed leaves it
        assert (await ask("POST", f"/runs/{RUN}"))[0] == 202
        assert len(place.engine.starts) == 2

    play(tmp_path, act)


def test_what_has_ended_a_while_ago_is_removed_with_its_workspace(tmp_path: Path) -> None:
    async def act(place: Machine, ask: Any) -> None:
        await ask("POST", f"/runs/{RUN}")
        await ask("POST", f"/runs/{OTHER}")
        place.engine.end(f"agent-run-{RUN}", 0)
        containers = _containers(place)
        await containers.clean(now=datetime.now(UTC) + timedelta(seconds=60))
        assert place.engine.removed == []
        await containers.clean(now=datetime.now(UTC) + timedelta(seconds=180))
        assert place.engine.removed == [f"agent-run-{RUN}"]
        place.engine.containers[place.engine.starts[1].id].status = "created"
        await containers.clean(now=datetime.now(UTC) + timedelta(seconds=180))
        assert place.engine.removed == [f"agent-run-{RUN}", f"agent-run-{OTHER}"]
        await containers.engine.close()

    play(tmp_path, act)


def test_a_run_whose_workspace_outgrows_its_room_is_stopped(tmp_path: Path) -> None:
    async def act(place: Machine, ask: Any) -> None:
        third = "run-ybqr5rxvt-5z939m5"
        for run in (RUN, OTHER, third):
            await ask("POST", f"/runs/{run}")
        place.engine.used[f"agent-run-{OTHER}"] = "102401\t/work\r\n"
        place.engine.used[f"agent-run-{third}"] = "OCI runtime exec failed: du: not found\r\n"
        await until(lambda: [c.name for c in place.engine.containers.values() if c.status == "exited"])
        assert [c.status for c in place.engine.containers.values()] == ["running", "exited", "running"]

    play(tmp_path, act)


def test_the_last_launcher_of_an_agent_that_is_taken_down_leaves_no_run_behind(tmp_path: Path) -> None:
    async def act(place: Machine, ask: Any) -> None:
        for run in (RUN, OTHER):
            await ask("POST", f"/runs/{run}")
        place.engine.end(f"agent-run-{RUN}", 0)
        containers = _containers(place, gateways=("agent=agent", "unmoor.role=gateway"))
        labels = {"agent": "agent", "unmoor.role": "gateway"}
        gateway = await containers.engine.create("agent-gateway-0", {"Labels": labels})
        await containers.shut_down()
        assert place.engine.removed == []
        await containers.engine.remove(str(gateway))
        await containers.shut_down()
        assert place.engine.removed == ["agent-gateway-0", f"agent-run-{RUN}", f"agent-run-{OTHER}"]
        await containers.engine.close()

    play(tmp_path, act)


def test_a_launcher_that_knows_no_gateways_leaves_runs_as_they_are(tmp_path: Path) -> None:
    async def act(place: Machine, ask: Any) -> None:
        await ask("POST", f"/runs/{RUN}")
        containers = _containers(place)
        await containers.shut_down()
        assert [c.status for c in place.engine.containers.values()] == ["running"]
        await containers.engine.close()

    play(tmp_path, act)


def _containers(place: Machine, *, gateways: tuple[str, ...] = ()) -> RunContainers:
    template = Template(container=TEMPLATE, prefix="agent-run", disk_mib=100, most=4, gateways=gateways)
    return RunContainers(engine=Engine(url=place.engine_url), template=template)


def test_an_engine_that_does_not_answer_is_a_passing_trouble(tmp_path: Path) -> None:
    async def act() -> None:
        template = Template(container=TEMPLATE, prefix="agent-run", disk_mib=100, most=4)
        engine = Engine(url=f"unix://{tmp_path}/none.sock")
        logged: list[str] = []
        containers = RunContainers(
            engine=engine, template=template, look_s=0.01, log=lambda text, **_: logged.append(text)
        )
        cleaning = asyncio.create_task(containers.cleanup_loop())
        await until(lambda: len(logged) > 2)
        cleaning.cancel()
        await engine.close()
        assert logged[0].startswith("Docker cannot be reached: Cannot connect to unix socket ")

    asyncio.run(act())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "UNMOOR_RUN_TEMPLATE is not set; the target sets it"),
        (
            "{",
            "UNMOOR_RUN_TEMPLATE: JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1); the target sets it",
        ),
        ('{"container": {"Cmd": ["run"]}}', "UNMOOR_RUN_TEMPLATE: KeyError: 'name_prefix'; the target sets it"),
        ("[]", "UNMOOR_RUN_TEMPLATE: TypeError: list indices must be integers or slices, not str; the target sets it"),
    ],
)
def test_a_template_that_is_not_whole_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_template(text)
    assert str(refused.value) == says


def test_the_targets_template_is_one_that_the_launcher_takes() -> None:
    from unmoor.container import UID

    golden = (Path(__file__).parents[2] / "golden" / "01-hello.vm-docker.txt").read_text()
    line = next(line for line in golden.splitlines() if "UNMOOR_RUN_TEMPLATE=" in line)
    text = json.loads(line.split("= ", 1)[1]).partition("=")[2]
    container = parse_template(text).container_for(RUN)
    assert container["Cmd"] == ["run", RUN]
    assert container["User"] == str(UID)
    assert container["HostConfig"]["CapDrop"] == ["ALL"]


def test_as_a_program_it_wants_its_template() -> None:
    env = {"PATH": os.environ["PATH"]}
    argv = [sys.executable, "-m", "unmoor.runtime", "launch"]
    ran = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stderr) == (
        2,
        "unmoor-agent: UNMOOR_RUN_TEMPLATE is not set; the target sets it\n",
    )
