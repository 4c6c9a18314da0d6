"""Rights in the store: a grant for each kind of right, conditional on prefixes.

https://docs.cloud.google.com/storage/docs/access-control/iam#conditions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_gcp as gcp

from .context import Context
from .identity import Identities, parts
from .store import Store

READ, CREATE, CHANGE = "roles/storage.objectViewer", "roles/storage.objectCreator", "roles/storage.objectUser"
# The rights of each part by prefix. In Cloud Storage overwriting needs the right to delete. A delivery is written once.
PREFIXES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "gateway": {
        "bundles/": (READ,),
        "deliveries/": (READ, CREATE),
        "queue/": (CHANGE,),
        "runs/": (CHANGE,),
        "sessions/": (CHANGE,),
    },
    # A run claims its schedule's time under queue/fired/, and cannot queue a run.
    "run": {"bundles/": (READ,), "queue/fired/": (READ, CREATE), "runs/": (CHANGE,), "sessions/": (CHANGE,)},
    "guard": {"budget/": (CHANGE,), "bundles/": (READ,)},
}
TITLES = {READ: "read", CREATE: "create", CHANGE: "change"}


def store_grants(context: Context, identities: Identities, store: Store) -> dict[str, list[pulumi.Resource]]:
    """The store grants of each role's account."""
    return {
        role: [
            _list(context, store, role, account),
            *(
                _objects(context, store, role, account, right, prefixes)
                for right in TITLES
                if (prefixes := _prefixes(context, role, right))
            ),
        ]
        for role, account in identities.workers.items()
    }


def _prefixes(context: Context, role: str, right: str) -> list[str]:
    tables = [PREFIXES[part] for part in parts(context.plan, role)]
    return sorted({prefix for table in tables for prefix, rights in table.items() if right in rights})


def _list(
    context: Context, store: Store, role: str, account: gcp.serviceaccount.Account
) -> gcp.storage.BucketIAMMember:
    """The right to list: granted on the bucket, it covers all names and no content."""
    return gcp.storage.BucketIAMMember(
        context.logical(f"{role}-store-list"),
        bucket=store.bucket.name,
        role=READ,
        member=account.member,
        condition={
            "title": f"{role} list",
            "description": "Names of objects, no content",
            "expression": pulumi.Output.concat('resource.name == "projects/_/buckets/', store.bucket.name, '"'),
        },
        opts=context.using("storage"),
    )


def _objects(
    context: Context,
    store: Store,
    role: str,
    account: gcp.serviceaccount.Account,
    right: str,
    prefixes: Sequence[str],
) -> gcp.storage.BucketIAMMember:
    return gcp.storage.BucketIAMMember(
        context.logical(f"{role}-store-{TITLES[right]}"),
        bucket=store.bucket.name,
        role=right,
        member=account.member,
        condition={
            "title": f"{role} {TITLES[right]}",
            "description": " ".join(prefixes),
            "expression": store.bucket.name.apply(lambda bucket: _expression(bucket, prefixes)),
        },
        opts=context.using("storage"),
    )


def _expression(bucket: str, prefixes: Sequence[str]) -> str:
    return " || ".join(
        f'resource.name.startsWith("projects/_/buckets/{bucket}/objects/{prefix}")' for prefix in prefixes
    )
