"""What a state says that its deployment is reached by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from unmoor.target import Outputs

STACK = "pulumi:pulumi:Stack"
# How the engine marks a secret in a state, and where its value stands once it is shown:
# https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
SECRET = "4dabf18193072939515e22adb298388d"
SHOWN = "plaintext"


def exported_outputs(deployment: Mapping[str, Any]) -> Outputs:
    """The outputs of a state whose secrets are shown; what it lacks is empty."""
    roots = [r for r in deployment.get("resources") or () if r["type"] == STACK]
    found = roots[0].get("outputs") or {} if roots else {}
    return Outputs(**{f.name: _plain(found.get(f.name, "")) for f in fields(Outputs)})


def _plain(value: Any) -> Any:
    is_secret = isinstance(value, Mapping) and SECRET in value
    return json.loads(value[SHOWN]) if is_secret else value
