"""The API's description is true: every route is in it, and schemathesis finds nothing that is otherwise."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from gateways import TOKEN, ByHand, Client, artifact, gateway, put, record
from openapi_spec_validator import validate
from starlette.routing import Route
from test_api import within

from unmoor.runtime.gateway.http.context import run_json
from unmoor.runtime.gateway.http.openapi.document import document
from unmoor.runtime.gateway.http.openapi.schemas import SCHEMAS
from unmoor.runtime.gateway.http.routes import all_routes

# What is not of the API, and so not described: the page's own files.
NOT_DESCRIBED = {"/page/{name}"}
RUN = record(1, status="succeeded", artifacts=(artifact("out/a.txt", 10),))
HOOK: list[dict[str, Any]] = [{"name": "hook", "webhook": {"verify": "none"}, "prompt": "p {{ event.a }}"}]
EXAMPLES = 12


def test_the_description_is_one_of_openapi() -> None:
    validate(document("agent", ("hook",)))


def test_the_description_is_served_with_the_agents_own_webhooks(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        described = (await client.get("/openapi.json")).json
        assert described == document("agent", ("hook",))
        trigger = described["paths"]["/hooks/{trigger}"]["post"]["parameters"][0]
        assert trigger["schema"]["enum"] == ["hook"]

    within(tmp_path, act, triggers=HOOK)


def test_every_route_and_method_is_described_and_nothing_else(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        found = {
            (re.sub(r":path}", "}", path), method)
            for path, methods in served(client)
            for method in methods - {"HEAD"}
            if path not in NOT_DESCRIBED
        }
        paths = document("agent")["paths"]
        assert found == {(path, method.upper()) for path, item in paths.items() for method in item}

    within(tmp_path, act)


def served(client: Client) -> list[tuple[str, set[str]]]:
    return [(route.path, route.methods or set()) for route in routes_of() if isinstance(route, Route)]


def routes_of() -> list[Any]:
    class Anything:
        def __getattr__(self, name: str) -> Any:
            return Anything()

        def __call__(self, *given: Any, **named: Any) -> Any:
            return Anything()

        def __int__(self) -> int:
            return 0

    return all_routes(Anything())  # type: ignore[arg-type]


def test_a_runs_description_names_just_what_a_run_has() -> None:
    values = run_json(RUN)
    assert set(values) == set(SCHEMAS["Run"]["properties"]) == set(SCHEMAS["Run"]["required"])
    assert set(values["usage"]) == set(SCHEMAS["Usage"]["properties"])
    assert set(values["artifacts"][0]) == set(SCHEMAS["Artifact"]["properties"])


class AtOnce(ByHand):
    """Runs end as soon as they start."""

    async def start(self, run: str) -> None:
        await super().start(run)
        if run in self.claims:
            await self.end(run, answer="done")


@pytest.mark.slow
def test_schemathesis_finds_nothing_that_is_not_as_described(tmp_path: Path) -> None:
    """Every check that there is, over examples, edge cases, random input and sequences of calls; the same each time."""

    async def act() -> None:
        async with gateway(tmp_path, launched=AtOnce, triggers=HOOK) as client:
            await put(client.store, RUN, events=3, finished=True)
            config = tmp_path / "schemathesis.toml"
            config.write_text(
                f'[[operations]]\ninclude-name = "GET /runs/{{id}}/artifacts/{{path}}"\n'
                f'parameters = {{ "path.id" = "{RUN.id}", "path.path" = "{RUN.artifacts[0].path}" }}\n'
            )
            code, said = await schemathesis(tmp_path, client.url)
            assert code == 0, said
            # The document itself is what it has read.
            assert f"Tested: {sum(map(len, document('agent')['paths'].values())) - 1}" in said
            assert [entry for entry in client.logged if entry[1].get("level") == "error"] == []

    asyncio.run(act())


async def schemathesis(folder: Path, url: str) -> tuple[int, str]:
    program = str(Path(sys.executable).with_name("schemathesis"))
    asked = ["run", f"{url}/openapi.json", "-H", f"Authorization: Bearer {TOKEN}", "--checks", "all"]
    bounds = ["--max-examples", str(EXAMPLES), "--generation-deterministic", "--request-timeout", "30", "--no-color"]
    process = await asyncio.create_subprocess_exec(
        program, *asked, *bounds, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")},
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()
