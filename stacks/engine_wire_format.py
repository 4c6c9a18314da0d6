"""The engine's notation of resources and special values in states, events and messages."""

from __future__ import annotations

# The type of every stack's root resource.
STACK = "pulumi:pulumi:Stack"
# The key that marks a secret or an asset, and the text for a value that is not known yet:
# https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
SIGNATURE = "4dabf18193072939515e22adb298388d"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def type_and_name(urn: str) -> tuple[str, str]:
    """A resource's own type and name, of `urn:pulumi:<stack>::<project>::<parents' types>$<type>::<name>`."""
    return urn.split("::")[2].split("$")[-1], urn.rsplit("::", 1)[-1]
