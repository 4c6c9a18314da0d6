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


def stack_outputs(deployment: Mapping[str, Any]) -> Outputs:
    """The outputs of a state with decrypted secrets; a missing output is empty."""
    roots = [r for r in deployment.get("resources") or () if r["type"] == STACK]
    found = roots[0].get("outputs") or {} if roots else {}
    return Outputs(**{f.name: plain_value(found.get(f.name, "")) for f in fields(Outputs)})


def plain_value(value: Any) -> Any:
    """The value of a decrypted secret, or of any other input or output."""
    is_secret = isinstance(value, Mapping) and SIGNATURE in value
    return json.loads(value[SHOWN]) if is_secret else value
