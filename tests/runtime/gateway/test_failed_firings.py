"""A fire time whose container ended before its first line is started by the gateway, once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fake_ecs import FakeEcs
from gateways import gateway, until
from platforms import cluster

from unmoor.runtime.state import keys
from unmoor.runtime.state.dedup import claim_dedup_key

NIGHTLY = {"name": "nightly", "schedule": {"cron": "0 3 * * *"}, "prompt": "report"}
WHY = "CannotPullContainerError: manifest not found"


def plant(ecs: FakeEcs, delivery: str, trigger: str = "nightly") -> None:
    """A task that EventBridge Scheduler started and that never ran."""
    arn = f"arn:aws:ecs:eu-west-1:123456789012:task/agent/{delivery:>032}"
    command = ["run", "--trigger", trigger, "--delivery", delivery]
    ecs.tasks[arn] = {
        "taskArn": arn,
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "startedBy": "chronos-schedule/nightly",
        "createdAt": 1772334000.5,
        "stoppedReason": WHY,
        "overrides": {"containerOverrides": [{"name": "run", "command": command}]},
        "containers": [{"name": "run"}, {"name": "guard"}],
    }


def test_its_run_is_accepted_with_the_time_of_its_start_and_why_is_logged(tmp_path: Path) -> None:
    async def act() -> None:
        async with cluster(tmp_path / "ecs") as place:
            plant(place.ecs, "exec-1")
            plant(place.ecs, "exec-2", trigger="removed-since")
            launched: Any = lambda store: place.launcher()  # noqa: E731
            async with gateway(tmp_path / "g", fires=False, triggers=[NIGHTLY], launched=launched) as client:
                await until(lambda: any(t["startedBy"].startswith("run-") for t in place.ecs.tasks.values()))
                [run] = (await client.get("/runs")).json["runs"]
                [delivery] = (await client.get("/deliveries")).json["deliveries"]
                assert (run["trigger"]["name"], delivery["run"], delivery["id"]) == ("nightly", run["id"], "exec-1")
                [line] = [fields for message, fields in client.logged if message.startswith("a scheduled container")]
                assert (line["trigger"], line["delivery"], line["detail"]) == ("nightly", "exec-1", WHY)
            async with gateway(tmp_path / "g", fires=False, triggers=[NIGHTLY], launched=launched) as client:
                await until(lambda: any(message.startswith("a scheduled") for message, _ in client.logged))
                assert len((await client.get("/runs")).json["runs"]) == 1  # the next gateway sees the same tasks

    asyncio.run(act())


def test_one_that_recorded_its_run_is_left_alone(tmp_path: Path) -> None:
    async def act() -> None:
        async with cluster(tmp_path / "ecs") as place:
            launched: Any = lambda store: place.launcher()  # noqa: E731
            async with gateway(tmp_path / "g", fires=False, triggers=[NIGHTLY], launched=launched) as client:
                run = await client.start("stands for the container's run")
                await claim_dedup_key(client.store, keys.schedule_dedup_key("nightly", "exec-1"), run)
                await until(lambda: _recorded(client.store, run))
            plant(place.ecs, "exec-1")
            async with gateway(tmp_path / "g", fires=False, triggers=[NIGHTLY], launched=launched) as client:
                await until(
                    lambda: sum(a == "ListTasks" and r["desiredStatus"] == "STOPPED" for a, r in place.ecs.asked)
                )
                assert [r["id"] for r in (await client.get("/runs")).json["runs"]] == [run]

    asyncio.run(act())


async def _recorded(store: Any, run: str) -> bool:
    return await store.get(keys.run_record_key(run)) is not None
