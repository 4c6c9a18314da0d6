"""A machine's runs: one container each, from one template, removed some time after its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from unmoor.container import STOP_GRACE_S, WORK_DIR
from unmoor.runtime.clock import utc_now
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.logs import Log, log_errors, null_log

from .docker_api import Engine, State
from .run_template import LAUNCHER, RUN, Template

# How long ended containers remain, so that gateways see how they ended.
RETENTION = timedelta(minutes=2)
CLEANUP_S = 10.0
# The grace period of runs when the agent is destroyed, within the launcher's own.
LAST_GRACE_S = STOP_GRACE_S - 10
# Runs in the run's container, as its user.
MEASURE = ("du", "-skx", WORK_DIR)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContainer:
    """A run's container: whether it has ended, its exit code, and the engine's message."""

    run: str
    ended: bool
    code: int
    said: str


class CapacityReached(TransientError):
    """The limit of concurrent runs is reached."""


@dataclass(slots=True, kw_only=True)
class RunContainers:
    """The runs of one template on one engine."""

    engine: Engine
    template: Template
    log: Log = null_log
    look_s: float = CLEANUP_S
    _stopping: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self, run: str) -> None:
        """Starts the run's container, unless it is running; an ended one is replaced."""
        async with self._starting:  # so that the count stays valid until the container exists
            existing = await self._own_container(run)
            if existing is not None and existing.is_up:
                return
            await self._check_capacity(existing)
            created = await self.engine.create(self.template.name(run), self.template.container_for(run))
            await self._start(run, created or self.template.name(run))

    async def stop(self, run: str) -> bool:
        """Begins to stop the run's container; False where none is running."""
        existing = await self._own_container(run)
        if existing is None or existing.has_ended:
            return False
        if run not in self._stopping:
            task = asyncio.create_task(self._stop(run, existing.id))
            self._stopping[run] = task
            task.add_done_callback(lambda _: self._stopping.pop(run, None))
        return True

    async def runs(self) -> list[RunContainer]:
        """Every run that has a container, sorted by id."""
        states = await self._states()
        return sorted((_run_container(s) for s in states if s.labels.get(RUN)), key=lambda container: container.run)

    async def clean(self, *, now: datetime) -> None:
        """Removes containers that ended a while ago, or were created and never started."""
        for state in await self._states():
            since = state.finished_at if state.has_ended else state.created_at
            if not state.is_up and now - since > RETENTION:
                await self.engine.remove(state.id)
                self.log("container removed", run=state.labels.get(RUN, ""), code=state.code)

    async def enforce_disk_quota(self) -> None:
        """Stops runs whose workspaces exceed the disk limit, because a volume has no quota."""
        if self.template.disk_mib:
            await asyncio.gather(*(self._check_disk(state) for state in await self._states() if state.is_up))

    async def shut_down(self) -> None:
        """Stops and removes every run's container if no gateway exists, because the agent is being destroyed.

        Its networks and volumes could not be deleted while a container uses them. A redeployment replaces gateways only
        after the launcher, so they exist then.
        """
        if not self.template.gateways or await self.engine.list_containers(*self.template.gateways):
            return
        states = await self._states()
        await asyncio.gather(*(self.engine.stop(s.id, within_s=LAST_GRACE_S) for s in states if s.is_up))
        await asyncio.gather(*(self.engine.remove(s.id) for s in states))
        self.log("agent destroyed", runs=len(states))

    async def cleanup_loop(self) -> None:
        """Cleans and enforces the disk limit until it is cancelled."""
        while True:
            await log_errors(lambda: self.clean(now=utc_now()), "removing containers", log=self.log)
            await log_errors(self.enforce_disk_quota, "checking disks", log=self.log)
            await asyncio.sleep(self.look_s)

    async def _check_disk(self, state: State) -> None:
        used_kib, _, _ = (await self.engine.exec_output(state.id, *MEASURE)).partition("\t")
        if used_kib.isdigit() and int(used_kib) > self.template.disk_mib * 1024:
            run = state.labels[RUN]
            self.log("workspace exceeds the disk limit", level="warning", run=run, mib=int(used_kib) // 1024)
            await self.stop(run)

    async def _own_container(self, run: str) -> State | None:
        """The run's container; UnmoorRuntimeError where another container has its name."""
        state = await self.engine.inspect(self.template.name(run))
        if state is not None and (state.labels.get(RUN), state.labels.get(LAUNCHER)) != (run, self.template.prefix):
            raise UnmoorRuntimeError(
                f"{self.template.name(run)} is a container that this launcher did not create; remove or rename it"
            )
        return state

    async def _check_capacity(self, existing: State | None) -> None:
        if existing is not None:
            await self.engine.remove(existing.id)
        active = [s for s in await self._states() if s.is_up]
        if len(active) >= self.template.most:
            raise CapacityReached(f"{len(active)} runs are active, which is the limit; try again when one has ended")

    async def _start(self, run: str, container: str) -> None:
        try:
            await self.engine.start(container)
        except UnmoorRuntimeError:
            await self.engine.remove(container)  # its name would block later starts
            raise
        self.log("container started", run=run)

    async def _stop(self, run: str, container: str) -> None:
        if await log_errors(lambda: self.engine.stop(container), "stopping a container", log=self.log):
            self.log("container stopped", run=run)

    async def _states(self) -> list[State]:
        ids = await self.engine.list_containers(f"{LAUNCHER}={self.template.prefix}")
        return [state for container in ids if (state := await self.engine.inspect(container)) is not None]


def _run_container(state: State) -> RunContainer:
    said = "its container ran out of memory" if state.out_of_memory else state.error
    return RunContainer(run=state.labels[RUN], ended=state.has_ended, code=state.code, said=said)
