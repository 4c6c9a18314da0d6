"""The dependencies of every container: accounts, store, secrets, image, network, and rights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from .context import Context
from .grants import store_grants
from .identity import Identities, identities
from .image import image
from .network import Network, network
from .secrets import StoredSecret, grants, secrets
from .store import Store, store


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """`rights` holds, by role, the resources that must exist before a container of that role."""

    identities: Identities
    image: pulumi.Input[str]
    network: Network
    rights: Mapping[str, Sequence[pulumi.Resource]]
    secrets: Mapping[str, StoredSecret]
    store: Store


def dependencies(context: Context) -> Dependencies:
    who, stored, bucket, net = identities(context), secrets(context), store(context), network(context)
    store_rights, secret_rights = store_grants(context, who, bucket), grants(context, who, stored)
    first = [bucket.bundle, *net.before]
    return Dependencies(
        identities=who,
        image=image(context),
        network=net,
        rights={role: [*store_rights[role], *secret_rights[role], *first] for role in who.workers},
        secrets=stored,
        store=bucket,
    )
