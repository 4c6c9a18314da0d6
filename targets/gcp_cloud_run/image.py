"""The image: built into a repository of the agent's own, pulled through one, or a reference used as it is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pulumi
import pulumi_docker_build as docker_build
import pulumi_gcp as gcp

from unmoor.plan import Image, ImageFolder, ImageReference, ShippedImage

from .context import Context
from .names import REPOSITORY, name
from .registries import host, pulled_directly

KEPT_IMAGES = 10
OLD = f"{30 * 86400}s"


def image(context: Context) -> pulumi.Input[str]:
    """The reference that containers are started from."""
    image = context.plan.image
    if not isinstance(image, ImageReference):
        return _built(context, image)
    if pulled_directly(image.reference):
        return image.reference
    repository = _standing_for(context, host(image.reference))
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


def _built(context: Context, image: Image) -> pulumi.Output[str]:
    repository = _repository(context)
    login = gcp.organizations.get_client_config_output(
        opts=pulumi.InvokeOutputOptions(provider=context.child.provider, parent=context.child.parent)
    )
    built = docker_build.Image(
        context.logical("image"),
        context=docker_build.BuildContextArgs(location=_folder(context, image)),
        build_args=_arguments(image),
        platforms=[docker_build.Platform(f"linux/{context.plan.run.arch}")],
        tags=[pulumi.Output.concat(_address(context, repository), "/agent:", _tag(context, image))],
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


def _folder(context: Context, image: Image) -> str:
    return image.folder if isinstance(image, ImageFolder) else context.options.image_context


def _arguments(image: Image) -> dict[str, pulumi.Input[str]]:
    if isinstance(image, ShippedImage):
        return {"HARNESS": image.harness, "HARNESS_VERSION": image.version}
    return {}


def _tag(context: Context, image: Image) -> str:
    """A tag that tells what is inside."""
    arch = context.plan.run.arch
    if isinstance(image, ShippedImage):
        inside = context.options.image_context.rsplit("/", 1)[-1]
        return f"{image.harness}-{image.version}-{arch}-{inside[:12]}"
    return f"own-{arch}-{_content(_folder(context, image))[:24]}"


def _content(folder: str) -> str:
    """The digest of every file in the folder, in order."""
    files = sorted(p for p in Path(folder).rglob("*") if p.is_file())
    lines = (f"{p.relative_to(folder)}\0{hashlib.sha256(p.read_bytes()).hexdigest()}\n" for p in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
