"""The local paths in a state, by the content that lay there.

The engine compares the path of an image's context or of a file, which differs between machines, although only the
content matters. With the state's path for the same content nothing changes, and nothing is read from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from unmoor.stacks.stack_outputs import plain_value


def deployed_paths(deployment: Mapping[str, Any]) -> dict[str, str]:
    """By an image's reference or a file's SHA-256, the path in the state, whose secrets are decrypted: the engine marks
    all of a container's files as a secret if one is."""
    resources = deployment.get("resources") or ()
    return dict(pair for resource in resources for pair in _paths(resource["type"], resource.get("inputs") or {}))


def _paths(type_: str, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    match type_:
        case "docker-build:index:Image":
            yield from ((str(tag), str(inputs["context"]["location"])) for tag in inputs.get("tags") or ())
        case "docker:index/image:Image":
            yield str(inputs["imageName"]), str(inputs["build"]["context"])
        case "docker:index/container:Container":
            uploads = plain_value(inputs.get("uploads") or ())
            yield from ((each["sourceHash"], each["source"]) for each in uploads if each.get("sourceHash"))
        case _:
            pass
