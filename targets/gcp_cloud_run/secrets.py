"""Secret Manager: the secrets that the plan creates, references to existing ones, and the rights to read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_gcp as gcp

from unmoor.plan import Secret

from .context import Context
from .identity import Identities, parts
from .names import secret_name

READER = "roles/secretmanager.secretAccessor"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecret:
    """A secret's project, id and version, and its value if known."""

    secret: Secret
    project: str
    secret_id: pulumi.Input[str]
    version: pulumi.Input[str]
    value: Any


def secrets(context: Context) -> dict[str, StoredSecret]:
    return {s.name: _refer(context, s) if s.source == "existing" else _create(context, s) for s in context.plan.secrets}


def reference(context: Context, stored: StoredSecret) -> pulumi.Input[str]:
    """A container's reference to a secret: its id, or its full name in another project."""
    if stored.project == context.settings.project:
        return stored.secret_id
    return pulumi.Output.concat("projects/", stored.project, "/secrets/", stored.secret_id)


def grants(
    context: Context, identities: Identities, secrets: Mapping[str, StoredSecret]
) -> dict[str, list[pulumi.Resource]]:
    """By role: the right of its account to read each secret of its containers."""
    return {
        role: [
            gcp.secretmanager.SecretIamMember(
                context.logical(f"{role}-secret-{secret.name}"),
                project=secrets[secret.name].project,
                secret_id=secrets[secret.name].secret_id,
                role=READER,
                member=account.member,
                opts=context.using("secretmanager"),
            )
            for secret in context.plan.secrets_held_by(*parts(context.plan, role))
        ]
        for role, account in identities.workers.items()
    }


def _refer(context: Context, secret: Secret) -> StoredSecret:
    """Without a version, an instance reads the newest when it starts."""
    full_name = context.settings.secrets[secret.name]
    _, project, _, secret_id, *version = full_name.split("/")
    return StoredSecret(
        secret=secret,
        project=project,
        secret_id=secret_id,
        version=version[1] if version else "latest",
        value=full_name,
    )


def _create(context: Context, secret: Secret) -> StoredSecret:
    value = context.secret_value(secret)
    role = f"secret-{secret.name}"
    stored = gcp.secretmanager.Secret(
        context.logical(role),
        secret_id=secret_name(context.plan, secret),
        replication={"auto": {}},
        annotations={"origin": secret.source_label},
        deletion_protection=False,
        labels=context.labels,
        opts=context.using("secretmanager"),
    )
    version = gcp.secretmanager.SecretVersion(
        context.logical(role),
        secret=stored.id,
        secret_data_wo=value,
        secret_data_wo_version=context.secret_version(secret, value).apply(str),
        opts=context.child,
    )
    # Containers reference the version, so that a new value is a new revision.
    return StoredSecret(
        secret=secret,
        project=context.settings.project,
        secret_id=stored.secret_id,
        version=version.version,
        value=value,
    )
