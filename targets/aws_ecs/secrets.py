"""Secrets Manager: the secrets that the plan creates, and references to existing ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from unmoor.plan import Secret

from .context import Context
from .names import secret_arn, secret_name


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecret:
    """A secret's ARN, the reference for containers, and its value if known."""

    secret: Secret
    arn: pulumi.Input[str]
    value_from: pulumi.Input[str]
    value: Any


def secrets(context: Context) -> dict[str, StoredSecret]:
    return {s.name: _refer(context, s) if s.source == "existing" else _create(context, s) for s in context.plan.secrets}


def _refer(context: Context, secret: Secret) -> StoredSecret:
    reference = context.settings.secrets[secret.name]
    return StoredSecret(secret=secret, arn=secret_arn(reference), value_from=reference, value=reference)


def _create(context: Context, secret: Secret) -> StoredSecret:
    value = context.secret_value(secret)
    role = f"secret-{secret.name}"
    stored = aws.secretsmanager.Secret(
        context.logical(role),
        # AWS adds a unique suffix: a deleted name is blocked while its value can be recovered.
        name_prefix=secret_name(context.plan, secret),
        description=f"unmoor {context.plan.agent}: {secret.name}, from {secret.source_label}",
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
    # The reference has the version's id, so that a new value starts a rollout.
    reference = pulumi.Output.concat(stored.arn, ":::", version.version_id)
    return StoredSecret(secret=secret, arn=stored.arn, value_from=reference, value=value)
