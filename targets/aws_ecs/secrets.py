"""Secrets Manager: a secret for each that the plan creates, and a reference for each that exists already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from unmoor.plan import Secret

from .context import Context
from .names import secret_name


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecret:
    """Where a secret lies, what a container refers to it by, and its value where this program knows it."""

    secret: Secret
    arn: pulumi.Input[str]
    value_from: pulumi.Input[str]
    value: Any


def secrets(context: Context) -> dict[str, StoredSecret]:
    """Every secret of the plan by name."""
    return {
        s.name: _existing(context, s) if s.source == "existing" else _created(context, s) for s in context.plan.secrets
    }


def _existing(context: Context, secret: Secret) -> StoredSecret:
    arn = context.settings.secrets[secret.name]
    return StoredSecret(secret=secret, arn=arn, value_from=arn, value=arn)


def _created(context: Context, secret: Secret) -> StoredSecret:
    value = context.secret_value(secret)
    role = f"secret-{secret.name}"
    stored = aws.secretsmanager.Secret(
        context.logical(role),
        # AWS adds what makes it unique: a name that was deleted stays taken for as long as its value can be recovered.
        name_prefix=secret_name(context.plan, secret),
        description=f"unmoor {context.plan.agent}: {secret.name}, from {secret.source_label}",
        # Zero deletes at once; else the value stays recoverable for a week.
        recovery_window_in_days=0 if context.settings.destroy_data else 7,
        **context.common_args,
    )
    version = aws.secretsmanager.SecretVersion(
        context.logical(role),
        secret_id=stored.id,
        secret_string_wo=value,
        secret_string_wo_version=context.secret_version(secret, value),
        opts=context.child,
    )
    # The version's id is part of the reference, so that a new value is a new task definition and rolls the service.
    reference = pulumi.Output.concat(stored.arn, ":::", version.version_id)
    return StoredSecret(secret=secret, arn=stored.arn, value_from=reference, value=value)
