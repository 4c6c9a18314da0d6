"""A deployment's outputs, read by one command of the engine, without Pulumi's slow SDK."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping

from unmoor.errors import UnmoorError
from unmoor.stacks.passphrase import passphrase_environment
from unmoor.stacks.retention import has_gateway
from unmoor.stacks.stack_location import StackLocation
from unmoor.stacks.stack_outputs import stack_outputs
from unmoor.target import Outputs

TIMEOUT_S = 60


def read_outputs(place: StackLocation) -> Outputs:
    """The outputs of the agent deployed there, secrets in plain text; UnmoorError if nothing is deployed."""
    return _read_by_command(place) or _read_by_sdk(place)


def _read_by_command(place: StackLocation) -> Outputs | None:
    """The outputs, or None if they cannot be read this way; the SDK then reports the reason."""
    command = shutil.which("pulumi")
    if command is None or not (place.folder / "Pulumi.yaml").is_file():
        return None
    try:
        done = subprocess.run(
            [command, "--non-interactive", "stack", "export", "--show-secrets", "--stack", place.stack],
            cwd=place.folder,
            env={**os.environ, **_environment(place)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
        )
        deployment = json.loads(done.stdout)["deployment"] if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return stack_outputs(deployment) if deployment and has_gateway(place.project, deployment) else None


def _environment(place: StackLocation) -> Mapping[str, str]:
    own = {"PULUMI_BACKEND_URL": place.backend, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_AUTOMATION_API": "true"}
    try:
        provider = os.environ.get("UNMOOR_SECRETS_PROVIDER", "")
        return {**own, **passphrase_environment(place, os.environ, secrets_provider=provider)}
    except UnmoorError:
        return own  # an existing state names its own encryption


def _read_by_sdk(place: StackLocation) -> Outputs:
    from unmoor.stacks.workspace import outputs_of

    return outputs_of(place)
