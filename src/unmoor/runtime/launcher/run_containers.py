"""A machine's runs as containers: one for each run, of one template, and gone some time after they have ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from unmoor.container import STOP_GRACE_S, WORK_DIR
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.logs import Log, null_log

from .docker_api import Engine, State
from .run_template import LAUNCHER, RUN, Template

# An ended container is kept this long, for gateways to see how it ended.
KEPT = timedelta(minutes=2)
LOOK_S = 10.0
# What a run has to end when the agent is taken down, within the launcher's own grace.
LAST_GRACE_S = STOP_GRACE_S - 10
# As the run's own user, and on its own processor and memory.
MEASURE = ("du", "-skx", WORK_DIR)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContainer:
    """A run's container: whether it has ended, with which exit code, and what the engine says of it."""

    run: str
    ended: bool
    code: int
    said: str


class CapacityReached(TransientError):
    """As many runs are there as may be."""


@dataclass(slots=True, kw_only=True)
class RunContainers:
    """The runs of one template on one engine."""

    engine: Engine
    template: Template
    log: Log = null_log
    look_s: float = LOOK_S
    _stopping: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self, run: str) -> None:
        """Starts the run's container; nothing where it runs. One that has ended makes room for a new one."""
        async with self._starting:  # so that what is counted is still so when the next is made
            there = await self._own(run)
            if there is not None and there.is_up:
                return
            await self._make_room(there)
            made = await self.engine.create(self.template.name(run), self.template.container_for(run))
            await self._started(run, made or self.template.name(run))

    async def stop(self, run: str) -> bool:
        """Has the run's container end, which may take its grace; False where there is none that runs."""
        there = await self._own(run)
        if there is None or there.has_ended:
            return False
        if run not in self._stopping:
            task = asyncio.create_task(self._stop(run, there.id))
            self._stopping[run] = task
            task.add_done_callback(lambda _: self._stopping.pop(run, None))
        return True

    async def runs(self) -> list[RunContainer]:
        """Every run that has a container, in the order of their ids."""
        states = await self._states()
        return sorted((_seen(s) for s in states if s.labels.get(RUN)), key=lambda seen: seen.run)

    async def clean(self, *, now: datetime) -> None:
        """Removes what has ended a while ago, and what was made and never started."""
        for state in await self._states():
            since = state.finished_at if state.has_ended else state.made_at
            if not state.is_up and now - since > KEPT:
                await self.engine.remove(state.id)
                self.log("removed an ended run's container", run=state.labels.get(RUN, ""), code=state.code)

    async def enforce_disk_quota(self) -> None:
        """Stops runs whose workspaces have outgrown their room; a volume has no quota of its own."""
        if self.template.disk_mib:
            await asyncio.gather(*(self._measured(state) for state in await self._states() if state.is_up))

    async def shut_down(self) -> None:
        """Ends every run and removes what is left of it where no gateway is there any more for which they could be.

        Gateways are deleted before the launcher, and replaced after it: so this happens when the agent is taken down,
        whose networks and volumes could not be deleted while a run's container holds them.
        """
        if not self.template.gateways or await self.engine.list_containers(*self.template.gateways):
            return
        states = await self._states()
        await asyncio.gather(*(self.engine.stop(s.id, within_s=LAST_GRACE_S) for s in states if s.is_up))
        await asyncio.gather(*(self.engine.remove(s.id) for s in states))
        self.log("the agent is taken down", runs=len(states))

    async def cleanup_loop(self) -> None:
        """Does both until it is cancelled."""
        while True:
            try:
                await self.clean(now=datetime.now(UTC))
                await self.enforce_disk_quota()
            except UnmoorRuntimeError as fault:
                self.log(str(fault), level="error")
            await asyncio.sleep(self.look_s)

    async def _measured(self, state: State) -> None:
        used_kib, _, _ = (await self.engine.exec_output(state.id, *MEASURE)).partition("\t")
        if used_kib.isdigit() and int(used_kib) > self.template.disk_mib * 1024:
            run = state.labels[RUN]
            self.log("a run's workspace has no room left", level="warning", run=run, mib=int(used_kib) // 1024)
            await self.stop(run)

    async def _own(self, run: str) -> State | None:
        """The run's container; RuntimeFault where its name is taken by one that this launcher has not made."""
        there = await self.engine.inspect(self.template.name(run))
        if there is not None and (there.labels.get(RUN), there.labels.get(LAUNCHER)) != (run, self.template.prefix):
            raise UnmoorRuntimeError(
                f"{self.template.name(run)} is a container of somebody else's; remove or rename it"
            )
        return there

    async def _make_room(self, there: State | None) -> None:
        if there is not None:
            await self.engine.remove(there.id)
        going_on = [s for s in await self._states() if s.is_up]
        if len(going_on) >= self.template.most:
            raise CapacityReached(f"{len(going_on)} runs are there, which is as many as may be; one must end first")

    async def _started(self, run: str, container: str) -> None:
        try:
            await self.engine.start(container)
        except UnmoorRuntimeError:
            await self.engine.remove(container)  # a name that is taken would let no later start through
            raise
        self.log("a run's container was started", run=run)

    async def _stop(self, run: str, container: str) -> None:
        try:
            await self.engine.stop(container)
            self.log("a run's container was stopped", run=run)
        except UnmoorRuntimeError as fault:
            self.log(str(fault), level="error", run=run)

    async def _states(self) -> list[State]:
        ids = await self.engine.list_containers(f"{LAUNCHER}={self.template.prefix}")
        return [state for container in ids if (state := await self.engine.inspect(container)) is not None]


def _seen(state: State) -> RunContainer:
    said = "its container had no memory left" if state.out_of_memory else state.error
    return RunContainer(run=state.labels[RUN], ended=state.has_ended, code=state.code, said=said)
