"""Which registries Cloud Run pulls from by itself; any other is reached through a repository that stands for it.

https://docs.cloud.google.com/run/docs/deploying#images
"""

from __future__ import annotations

import re

from unmoor.plan import Image, ImageReference

DIRECT = re.compile(r"(.+-docker\.pkg\.dev|([a-z]+\.)?gcr\.io|docker\.io)")


def is_pulled_directly(image: ImageReference) -> bool:
    """Whether Cloud Run pulls it as it is."""
    return DIRECT.fullmatch(image.registry) is not None


def makes_repository(image: Image) -> bool:
    """Whether the agent has a repository of its own: for an image that is built, or to stand for a registry."""
    return not (isinstance(image, ImageReference) and is_pulled_directly(image))
