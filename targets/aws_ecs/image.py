"""The image: built into the agent's own repository, or a reference used unchanged."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from unmoor.plan import ImageReference

from .context import Context
from .names import REPOSITORY, name, partition

KEPT_IMAGES = 10
ECR_REFERENCE = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^@:]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRef:
    """The image of tasks, and its repository if that is in ECR."""

    reference: pulumi.Input[str]
    repository_arn: pulumi.Input[str] | None


def image(context: Context) -> ImageRef:
    if isinstance(context.plan.image, ImageReference):
        return _use_reference(context.plan.image.reference)
    return _build(context)


def _use_reference(reference: str) -> ImageRef:
    match = ECR_REFERENCE.match(reference)
    arn = f"arn:{partition(match[2])}:ecr:{match[2]}:{match[1]}:repository/{match[3]}" if match else None
    return ImageRef(reference=reference, repository_arn=arn)


def _build(context: Context) -> ImageRef:
    repository = aws.ecr.Repository(
        context.logical("image"),
        name=name(context.plan, "image", REPOSITORY),
        # Tasks refer to the digest. Another machine builds the same tag again, which an immutable tag would refuse:
        # https://github.com/moby/buildkit/issues/3776
        image_tag_mutability="MUTABLE",
        image_scanning_configuration={"scan_on_push": True},
        encryption_configurations=[{"encryption_type": "AES256"}],
        force_delete=True,  # an image can be built again
        **context.common_args,
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
    reference = context.build_image(
        repository.repository_url,
        {
            "address": repository.repository_url,
            "username": login.user_name,
            "password": pulumi.Output.secret(login.password),
        },
    )
    return ImageRef(reference=reference, repository_arn=repository.arn)


def _keep_newest() -> dict[str, object]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT_IMAGES}
    return {"rulePriority": 1, "description": "newest", "selection": selection, "action": {"type": "expire"}}
