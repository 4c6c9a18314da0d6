"""The guard: a sidecar, and the only container that receives the model key."""

from __future__ import annotations

from unmoor.container import GUARD, GUARD_PORT, GUARD_RUNS, ONE_RUN

from .containers import Container
from .context import Context
from .image import ImageRef
from .logs import Logs
from .sizes import units
from .store import Store

URL = f"http://127.0.0.1:{GUARD_PORT}"


def guard(context: Context, *, image: ImageRef, store: Store, logs: Logs, beside: str) -> Container:
    """The guard's container in the task `beside` it, the run's or the gateway's; it listens only on loopback."""
    return Container(
        name="guard",
        image=image.reference,
        command=GUARD,
        environment={
            **context.environment(store.url),
            "UNMOOR_GUARD_BIND": "127.0.0.1",
            **({GUARD_RUNS: ONE_RUN} if beside == "run" else {}),
        },
        secrets=context.plan.secrets_held_by("guard"),
        log_group=logs.gateway if beside == "gateway" else logs.run,
        region=context.settings.region,
        cpu=units(context.plan.guard.cpu),
        memory_mib=context.plan.guard.memory_mib,
        port=GUARD_PORT,
        healthy=True,
    )
