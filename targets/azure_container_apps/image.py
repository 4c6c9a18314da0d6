"""The image: built into the agent's own or an existing registry, or a reference used unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_azure_native as az

from unmoor.plan import ImageReference

from .context import Context
from .names import APP, REGISTRY, name, registry_server


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
        return ImageRef(reference=_build(context, server, login=None), registry_id=existing, server=server)
    registry = _registry(context)
    login = _admin(context, registry) if context.settings.registry_login == "admin" else None
    reference = _build(context, registry.login_server, login=login)
    return ImageRef(reference=reference, registry_id=registry.id, server=registry.login_server)


def _registry(context: Context) -> az.containerregistry.Registry:
    return az.containerregistry.Registry(
        context.logical("image"),
        registry_name=context.unique_name(REGISTRY),
        sku={"name": "Basic"},
        admin_user_enabled=context.settings.registry_login == "admin",
        **context.common_args,
    )


def _admin(context: Context, registry: az.containerregistry.Registry) -> dict[str, Any]:
    login = az.containerregistry.list_registry_credentials_output(
        registry_name=registry.name,
        resource_group_name=context.group,
        opts=pulumi.InvokeOutputOptions(provider=context.child.provider, parent=context.child.parent),
    )
    return {
        "address": registry.login_server,
        "username": login.username,
        "password": pulumi.Output.secret(login.passwords[0].value),
    }


def _build(context: Context, server: pulumi.Input[str], *, login: dict[str, Any] | None) -> pulumi.Output[str]:
    return context.build_image(pulumi.Output.concat(server, "/", name(context.plan, "", APP)), login)
