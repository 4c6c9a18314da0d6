"""Fire times whose container ended before it recorded its run: its image could not be pulled, a secret is missing, the
guard did not start. The platform counts them as delivered, so the gateway looks for them and starts their runs."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field

from unmoor.runtime.gateway.launchers.firings import EndedFiring, FiringSource
from unmoor.runtime.logs import log_errors
from unmoor.runtime.state import keys
from unmoor.runtime.state.dedup import DeliveryKey, run_of_dedup_key

from .intake import IncomingDelivery, Intake

# A platform lists ended containers for an hour.
LOOK_S = 300.0


@dataclass(slots=True, kw_only=True)
class FailedFirings:
    """Starts the runs of fire times that the platform delivered and no container recorded."""

    intake: Intake
    source: FiringSource
    look_s: float = LOOK_S
    _done: set[str] = field(default_factory=set[str])

    async def run(self) -> None:
        """Looks until it is cancelled."""
        while True:
            await log_errors(self.look, "looking for failed fire times", log=self.intake.log)
            await asyncio.sleep(self.look_s)

    async def look(self) -> None:
        """Looks once."""
        ended = await self.source.ended_firings()
        for firing in ended:
            if firing.delivery not in self._done:
                await self._check(firing)
        self._done = {firing.delivery for firing in ended}

    async def _check(self, firing: EndedFiring) -> None:
        trigger = next((t for t in self.intake.bundle.agent.triggers if t.name == firing.trigger), None)
        if trigger is None or await self._is_recorded(firing):
            return
        self.intake.log(
            "a scheduled container ended before it recorded its run; starting the run",
            level="warning",
            trigger=firing.trigger,
            delivery=firing.delivery,
            detail=firing.detail,
        )
        name = hashlib.sha256(firing.delivery.encode()).hexdigest()[:32]
        key = DeliveryKey(id=firing.delivery, name=name)
        await self.intake.ingest(IncomingDelivery(trigger=trigger, key=key, event={"scheduled": firing.at}))

    async def _is_recorded(self, firing: EndedFiring) -> bool:
        store = self.intake.store
        run = await run_of_dedup_key(store, keys.schedule_dedup_key(firing.trigger, firing.delivery))
        return bool(run) and await store.get(keys.run_record_key(run)) is not None
