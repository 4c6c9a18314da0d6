"""The registries that Cloud Run pulls from directly; others need a caching repository.

https://docs.cloud.google.com/run/docs/deploying#images
"""

from __future__ import annotations

import re

from unmoor.plan import Image, ImageReference

DIRECT = re.compile(r"(.+-docker\.pkg\.dev|([a-z]+\.)?gcr\.io|docker\.io)")


def is_pulled_directly(image: ImageReference) -> bool:
    """Whether Cloud Run pulls it directly."""
    return DIRECT.fullmatch(image.registry) is not None


def makes_repository(image: Image) -> bool:
    """Whether the agent has its own repository, for a built image or as a cache."""
    return not (isinstance(image, ImageReference) and is_pulled_directly(image))
