"""Health checks: frequent while a container starts, then every ten seconds.

The provider waits for the first success, so that a container that does not start fails the deployment. Docker checks
first after one interval, and has a separate start interval only since 25.0, which the provider refuses on older
engines. So the interval is short, and the check itself sleeps once it has succeeded.
https://docs.docker.com/reference/dockerfile/#healthcheck
"""

from __future__ import annotations

import shlex
from typing import Any

from unmoor.container import TEMP_DIR, health_check_command

# How long the provider waits for the first success, and the failures in a row that make a container unhealthy.
WAIT_S = 60
RETRIES = 10
LOOKS = 50
PAUSE_S = 9
SUCCEEDED = f"{TEMP_DIR}/.healthy"


def self_check_command(port: int) -> str:
    """The health command of the image's containers. It waits until the port listens, at most five seconds, since the
    check takes CPU that the container needs to start.
    """
    listens = f"grep -qs ':{port:04X} [0-9A-F]*:0000 0A' /proc/net/tcp /proc/net/tcp6"
    check = shlex.join(health_check_command(port))
    return f"n=0; until {listens} || [ $n = {LOOKS} ]; do n=$((n + 1)); sleep .1; done; {check}"


def check(command: str) -> Any:
    """A shell command as the provider's health check, with durations in Go's notation."""
    paused = f"{{ [ ! -e {SUCCEEDED} ] || sleep {PAUSE_S}; }} && touch {SUCCEEDED}"
    return {"tests": ["CMD-SHELL", f"{command} && {paused}"], "interval": "500ms", "timeout": "20s", "retries": RETRIES}
