"""The outputs in a deployment's state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from unmoor.stacks.engine_wire_format import SIGNATURE, STACK
from unmoor.target import Outputs

# The key of a decrypted secret's value.
SHOWN = "plaintext"
# The output that holds the secrets of the stack's config.
KEPT_CONFIG = "config"


def stack_outputs(deployment: Mapping[str, Any]) -> Outputs:
    """The outputs of a state with decrypted secrets; a missing output is empty."""
    found = _root_outputs(deployment)
    return Outputs(**{f.name: plain_value(found.get(f.name, "")) for f in fields(Outputs)})


def kept_config(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The secrets of the stack's config that were deployed last, by their keys; the state's secrets are decrypted."""
    kept = plain_value(_root_outputs(deployment).get(KEPT_CONFIG) or {})
    return {key: str(plain_value(value)) for key, value in kept.items()}


def _root_outputs(deployment: Mapping[str, Any]) -> Mapping[str, Any]:
    roots = [resource for resource in deployment.get("resources") or () if resource["type"] == STACK]
    return roots[0].get("outputs") or {} if roots else {}


def plain_value(value: Any) -> Any:
    """The value of a decrypted secret, or of any other input or output."""
    is_secret = isinstance(value, Mapping) and SIGNATURE in value
    return json.loads(value[SHOWN]) if is_secret else value
