"""The image: built into a repository of the agent's own, or a reference used as it is."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_docker_build as docker_build

from unmoor.plan import Image, ImageFolder, ImageReference, ShippedImage

from .context import Context
from .names import REPOSITORY, name

KEPT_IMAGES = 10
ECR_REFERENCE = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^@:]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What tasks run, and the repository that they must be allowed to pull from, if it is in ECR."""

    reference: pulumi.Input[str]
    repository_arn: pulumi.Input[str] | None


def image(context: Context) -> Built:
    """The plan's image, ready to run."""
    if isinstance(context.plan.image, ImageReference):
        return _referenced(context.plan.image.reference)
    return _built(context, context.plan.image)


def _referenced(reference: str) -> Built:
    match = ECR_REFERENCE.match(reference)
    arn = f"arn:aws:ecr:{match[2]}:{match[1]}:repository/{match[3]}" if match else None
    return Built(reference=reference, repository_arn=arn)


def _built(context: Context, image: Image) -> Built:
    repository = aws.ecr.Repository(
        context.logical("image"),
        name=name(context.plan, "image", REPOSITORY),
        image_tag_mutability="IMMUTABLE",
        image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
        encryption_configurations=[aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="AES256")],
        force_delete=True,  # an image can be built again
        tags=context.tags,
        opts=context.child,
    )
    aws.ecr.LifecyclePolicy(
        context.logical("image"),
        repository=repository.name,
        policy=pulumi.Output.json_dumps({"rules": [_keep_newest()]}, sort_keys=True),
        opts=context.child,
    )
    login = aws.ecr.get_authorization_token_output(
        registry_id=repository.registry_id, opts=pulumi.InvokeOutputOptions(provider=context.child.provider)
    )
    built = docker_build.Image(
        context.logical("image"),
        context=docker_build.BuildContextArgs(location=_folder(context, image)),
        build_args=_arguments(image),
        platforms=[docker_build.Platform(f"linux/{context.plan.run.arch}")],
        tags=[pulumi.Output.concat(repository.repository_url, ":", _tag(context, image))],
        registries=[
            docker_build.RegistryArgs(
                address=repository.repository_url,
                username=login.user_name,
                password=pulumi.Output.secret(login.password),
            )
        ],
        push=True,
        opts=context.bare,
    )
    return Built(reference=built.ref, repository_arn=repository.arn)


def _keep_newest() -> dict[str, object]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT_IMAGES}
    return {"rulePriority": 1, "description": "newest", "selection": selection, "action": {"type": "expire"}}


def _folder(context: Context, image: Image) -> str:
    return image.folder if isinstance(image, ImageFolder) else context.options.image_context


def _arguments(image: Image) -> dict[str, pulumi.Input[str]]:
    if isinstance(image, ShippedImage):
        return {"HARNESS": image.harness, "HARNESS_VERSION": image.version}
    return {}


def _tag(context: Context, image: Image) -> str:
    """A tag that tells what is inside; tags are immutable, so another content needs another one."""
    if isinstance(image, ShippedImage):
        inside = context.options.image_context.rsplit("/", 1)[-1]
        return f"{image.harness}-{image.version}-{context.plan.run.arch}-{inside[:12]}"
    digest = hashlib.sha256(_content(image)).hexdigest() if isinstance(image, ImageFolder) else ""
    return f"own-{context.plan.run.arch}-{digest[:24]}"


def _content(image: ImageFolder) -> bytes:
    """The digest of every file in the folder, in order."""
    from pathlib import Path

    files = sorted(p for p in Path(image.folder).rglob("*") if p.is_file())
    lines = (f"{p.relative_to(image.folder)}\0{hashlib.sha256(p.read_bytes()).hexdigest()}\n" for p in files)
    return "".join(lines).encode()
