"""The image: built into a repository of the agent's own, pulled through one, or a reference used as it is."""

from __future__ import annotations

import pulumi
import pulumi_docker_build as docker_build
import pulumi_gcp as gcp

from unmoor.plan import ImageReference
from unmoor.plan.image_recipe import image_recipe

from .context import Context
from .names import REPOSITORY, name
from .registries import is_pulled_directly

KEPT_IMAGES = 10
OLD = f"{30 * 86400}s"


def image(context: Context) -> pulumi.Input[str]:
    """The reference that containers are started from."""
    image = context.plan.image
    if not isinstance(image, ImageReference):
        return _built(context)
    if is_pulled_directly(image):
        return image.reference
    repository = _standing_for(context, image.registry)
    return pulumi.Output.concat(_address(context, repository), "/", image.reference.partition("/")[2])


def _address(context: Context, repository: gcp.artifactregistry.Repository) -> pulumi.Output[str]:
    return pulumi.Output.concat(_registry(context), "/", context.settings.project, "/", repository.repository_id)


def _registry(context: Context) -> str:
    return f"{context.settings.region}-docker.pkg.dev"


def _standing_for(context: Context, registry: str) -> gcp.artifactregistry.Repository:
    """A repository that fetches from another registry, and keeps what it fetched."""
    upstream = gcp.artifactregistry.RepositoryRemoteRepositoryConfigArgs(
        description=registry,
        docker_repository=gcp.artifactregistry.RepositoryRemoteRepositoryConfigDockerRepositoryArgs(
            custom_repository=gcp.artifactregistry.RepositoryRemoteRepositoryConfigDockerRepositoryCustomRepositoryArgs(
                uri=f"https://{registry}"
            )
        ),
    )
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


def _built(context: Context) -> pulumi.Output[str]:
    how = image_recipe(context.plan.image, arch=context.plan.run.arch, shipped_folder=context.options.image_context)
    repository = _repository(context)
    login = gcp.organizations.get_client_config_output(
        opts=pulumi.InvokeOutputOptions(provider=context.child.provider, parent=context.child.parent)
    )
    built = docker_build.Image(
        context.logical("image"),
        context=docker_build.BuildContextArgs(location=how.folder),
        build_args=dict(how.arguments),
        platforms=[docker_build.Platform(how.platform)],
        tags=[pulumi.Output.concat(_address(context, repository), "/agent:", how.tag)],
        registries=[
            docker_build.RegistryArgs(
                address=_registry(context),
                username="oauth2accesstoken",
                password=pulumi.Output.secret(login.access_token),
            )
        ],
        push=True,
        opts=context.bare,
    )
    return built.ref


def _repository(context: Context) -> gcp.artifactregistry.Repository:
    """Containers name an image by its digest, so tags may move; that lets old images go, which fixed tags would not."""
    keep = gcp.artifactregistry.RepositoryCleanupPolicyArgs(
        id="keep-newest",
        action="KEEP",
        most_recent_versions=gcp.artifactregistry.RepositoryCleanupPolicyMostRecentVersionsArgs(keep_count=KEPT_IMAGES),
    )
    drop = gcp.artifactregistry.RepositoryCleanupPolicyArgs(
        id="drop-old",
        action="DELETE",
        condition=gcp.artifactregistry.RepositoryCleanupPolicyConditionArgs(tag_state="ANY", older_than=OLD),
    )
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
