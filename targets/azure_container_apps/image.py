"""The image: built into the agent's own or an existing registry, or a reference used unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_azure_native as az

from unmoor.plan import ImageReference

from .context import Context
from .names import APP, REGISTRY, name, registry_server
from .registry_login import TOKEN_USER, exchange_token


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRef:
    """The image of replicas, and its registry if that is Azure's."""

    reference: pulumi.Input[str]
    registry_id: pulumi.Input[str] | None
    server: pulumi.Input[str] | None


def image(context: Context) -> ImageRef:
    existing, image = context.settings.registry, context.plan.image
    server = registry_server(existing) if existing else None
    if isinstance(image, ImageReference):
        return ImageRef(reference=image.reference, registry_id=existing, server=server)
    if existing and server:
        return ImageRef(reference=_build(context, server), registry_id=existing, server=server)
    registry = _registry(context)
    reference = _build(context, registry.login_server)
    return ImageRef(reference=reference, registry_id=registry.id, server=registry.login_server)


def _registry(context: Context) -> az.containerregistry.Registry:
    return az.containerregistry.Registry(
        context.logical("image"),
        registry_name=context.unique_name(REGISTRY),
        sku={"name": "Basic"},
        admin_user_enabled=False,
        **context.common_args,
    )


def _build(context: Context, server: pulumi.Input[str]) -> pulumi.Output[str]:
    login = _login(context, server) if context.settings.registry_login == "entra" else None
    return context.build_image(pulumi.Output.concat(server, "/", name(context.plan, "", APP)), login)


def _login(context: Context, server: pulumi.Input[str]) -> dict[str, Any]:
    """A login to the registry with the token of the provider's own login."""
    client = az.authorization.get_client_token_output(
        opts=pulumi.InvokeOutputOptions(provider=context.child.provider, parent=context.child.parent)
    )
    password = pulumi.Output.all(server, context.login.tenant_id, client.token).apply(lambda all: exchange_token(*all))
    return {"address": server, "username": TOKEN_USER, "password": pulumi.Output.secret(password)}
