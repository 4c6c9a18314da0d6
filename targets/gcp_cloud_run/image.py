"""The image: built into the agent's own repository, pulled through one, or a reference used unchanged."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_gcp as gcp

from unmoor.plan import ImageReference

from .context import Context
from .names import REPOSITORY, name
from .registries import is_pulled_directly

KEPT_IMAGES = 10
OLD = f"{30 * 86400}s"


def image(context: Context) -> pulumi.Input[str]:
    """The reference that containers run."""
    image = context.plan.image
    if not isinstance(image, ImageReference):
        return _build(context)
    if is_pulled_directly(image):
        return image.reference
    repository = _standing_for(context, image.registry)
    return pulumi.Output.concat(_address(context, repository), "/", image.reference.partition("/")[2])


def _address(context: Context, repository: gcp.artifactregistry.Repository) -> pulumi.Output[str]:
    return pulumi.Output.concat(_registry(context), "/", context.settings.project, "/", repository.repository_id)


def _registry(context: Context) -> str:
    return f"{context.settings.region}-docker.pkg.dev"


def _standing_for(context: Context, registry: str) -> gcp.artifactregistry.Repository:
    """A repository that caches another registry."""
    upstream: Any = {
        "description": registry,
        "docker_repository": {"custom_repository": {"uri": f"https://{registry}"}},
    }
    return gcp.artifactregistry.Repository(
        context.logical("image"),
        repository_id=name(context.plan, "image", REPOSITORY),
        location=context.settings.region,
        description=f"unmoor {context.plan.agent}: images of {registry}",
        format="DOCKER",
        mode="REMOTE_REPOSITORY",
        remote_repository_config=upstream,
        labels=context.labels,
        opts=context.using("artifactregistry"),
    )


def _build(context: Context) -> pulumi.Output[str]:
    login = gcp.organizations.get_client_config_output(
        opts=pulumi.InvokeOutputOptions(provider=context.child.provider, parent=context.child.parent)
    )
    return context.build_image(
        pulumi.Output.concat(_address(context, _repository(context)), "/agent"),
        {
            "address": _registry(context),
            "username": "oauth2accesstoken",
            "password": pulumi.Output.secret(login.access_token),
        },
    )


def _repository(context: Context) -> gcp.artifactregistry.Repository:
    """The agent's repository. Containers use digests, so tags may move, which lets old images expire."""
    keep: Any = {"id": "keep-newest", "action": "KEEP", "most_recent_versions": {"keep_count": KEPT_IMAGES}}
    drop: Any = {"id": "drop-old", "action": "DELETE", "condition": {"tag_state": "ANY", "older_than": OLD}}
    return gcp.artifactregistry.Repository(
        context.logical("image"),
        repository_id=name(context.plan, "image", REPOSITORY),
        location=context.settings.region,
        description=f"unmoor {context.plan.agent}: images",
        format="DOCKER",
        mode="STANDARD_REPOSITORY",
        cleanup_policies=[keep, drop],
        labels=context.labels,
        opts=context.using("artifactregistry"),
    )
