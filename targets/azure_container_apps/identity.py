"""Identities: one that containers use, and one that only Azure uses to start them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_azure_native as az

from unmoor.plan import Holder, Plan

from .context import Context
from .grants import PULL_IMAGES, READ_SECRET, grant, prefix_condition
from .image import ImageRef
from .names import IDENTITY, name
from .secrets import StoredSecret
from .store import Store

# The rights of each part by prefix of the store: Read, Write, Delete.
GATEWAY_PREFIXES = {"bundles/": "R", "deliveries/": "RW", "queue/": "RWD", "runs/": "RWD", "sessions/": "RWD"}
# The guard shares the run's replica and thus its identity; it counts spending under budget/.
# A run sees the names of queued runs, and claims its schedule's time under queue/fired/: it cannot start a run.
RUN_PREFIXES = {
    "budget/": "RW",
    "bundles/": "R",
    "queue/": "",
    "queue/fired/": "RW",
    "runs/": "RW",
    "sessions/": "RWD",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The containers' identity (`own`), the one that starts them (`execution`), and their grants."""

    own: az.managedidentity.UserAssignedIdentity
    execution: az.managedidentity.UserAssignedIdentity
    grants: tuple[pulumi.Resource, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """The identities of gateway and run; a run in the gateway has none."""

    gateway: Identity
    run: Identity | None


def identities(context: Context, *, store: Store, secrets: Mapping[str, StoredSecret], image: ImageRef) -> Identities:
    """Every identity with its rights."""
    plan = context.plan
    apart = plan.run.isolation == "container"
    prefixes = GATEWAY_PREFIXES if apart else _merge(GATEWAY_PREFIXES, RUN_PREFIXES)
    held = {s.name: secrets[s.name] for s in plan.secrets_held_by(*gateway_holders(plan))}
    gateway = _identity(context, "gateway", store=store, prefixes=prefixes, secrets=held, image=image)
    if not apart:
        return Identities(gateway=gateway, run=None)
    held = {s.name: secrets[s.name] for s in plan.secrets_held_by("run", "guard")}
    run = _identity(context, "run", store=store, prefixes=RUN_PREFIXES, secrets=held, image=image)
    return Identities(gateway=gateway, run=run)


def gateway_holders(plan: Plan) -> tuple[Holder, ...]:
    return ("gateway", "run", "guard") if plan.run.isolation == "process" else ("gateway",)


def identity_args(identity: Identity) -> az.app.ManagedServiceIdentityArgsDict:
    """Both identities, for an app or a job."""
    return {"type": "UserAssigned", "user_assigned_identities": [identity.own.id, identity.execution.id]}


def token_obtainable(identity: Identity) -> list[az.app.IdentitySettingsArgsDict]:
    """Containers can get tokens of their own identity, not of the one that reads secrets:
    https://learn.microsoft.com/azure/container-apps/managed-identity#control-managed-identity-availability
    """
    return [
        {"identity": identity.own.id, "lifecycle": "Main"},
        {"identity": identity.execution.id, "lifecycle": "None"},
    ]


def user_assigned(context: Context, role: str) -> az.managedidentity.UserAssignedIdentity:
    return az.managedidentity.UserAssignedIdentity(
        context.logical(role),
        resource_name_=name(context.plan, role, IDENTITY),
        **context.common_args,
    )


def _identity(
    context: Context,
    part: str,
    *,
    store: Store,
    prefixes: Mapping[str, str],
    secrets: Mapping[str, StoredSecret],
    image: ImageRef,
) -> Identity:
    own, execution = user_assigned(context, part), user_assigned(context, f"{part}-execution")
    grants = [
        grant(
            context,
            f"{part}-store",
            to=own,
            role=store.role,
            on=store.container.id,
            only=prefix_condition(prefixes),
            after=[store.role_definition],
        ),
        *(
            grant(context, f"{part}-secret-{name}", to=execution, role=READ_SECRET, on=secret.id)
            for name, secret in sorted(secrets.items())
        ),
    ]
    if image.registry_id is not None:
        grants.append(grant(context, f"{part}-image", to=execution, role=PULL_IMAGES, on=image.registry_id))
    return Identity(own=own, execution=execution, grants=tuple(grants))


def _merge(*tables: Mapping[str, str]) -> dict[str, str]:
    prefixes = sorted({prefix for table in tables for prefix in table})
    return {p: "".join(x for x in "RWD" if any(x in t.get(p, "") for t in tables)) for p in prefixes}
