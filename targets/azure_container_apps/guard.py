"""The guard: a sidecar, and the only container that receives the model key."""

from __future__ import annotations

import pulumi

from unmoor.container import GUARD, GUARD_PORT

from .container_sizes import guard_size
from .containers import Container
from .context import Context
from .identity import Identity
from .image import ImageRef
from .store import Store

URL = f"http://127.0.0.1:{GUARD_PORT}"


def guard(context: Context, *, image: ImageRef, store: Store, identity: Identity, ends_with_run: bool) -> Container:
    """The guard's container in the replica of the run or the gateway.

    It listens only on loopback, where no probe reaches it. An execution ends when all its containers have, so beside a
    run the guard ends with the run.
    """
    return Container(
        name="guard",
        image=image.reference,
        command=GUARD,
        environment={
            **environment(context, store, identity),
            "UNMOOR_GUARD_BIND": "127.0.0.1",
            **({"UNMOOR_GUARD_ENDS": "with-run"} if ends_with_run else {}),
        },
        secrets=context.plan.secrets_held_by("guard"),
        size=guard_size(context.plan),
    )


def environment(context: Context, store: Store, identity: Identity) -> dict[str, pulumi.Input[str]]:
    """The variables of every container of the agent."""
    return {**context.environment(store.url), "AZURE_CLIENT_ID": identity.own.client_id}
