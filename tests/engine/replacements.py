"""What the real providers do with a changed input: replace the resource, and delete the old one first or last.

Which inputs replace: `ForceNew` in the Terraform providers that the bridged packages are made of, `willReplaceOnChanges`
in the docker and azure-native packages' schemas. Types that are not here are updated in place whatever changes.
"""

from __future__ import annotations

from collections.abc import Mapping

ALL = "*"  # every input replaces
# Has revisions that share an id: what the cloud has given a revision, and an update leaves alone.
REVISIONED: Mapping[str, tuple[str, ...]] = {"aws:ecs/taskDefinition:TaskDefinition": ("arn", "revision")}
NAMED_BY: Mapping[str, tuple[str, ...]] = {}
REPLACED_BY: Mapping[str, frozenset[str]] = {}
DELETED_FIRST: frozenset[str] = frozenset()
