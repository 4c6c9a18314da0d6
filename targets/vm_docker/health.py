"""How a container is asked whether it is well: at once and often while it starts, and every ten seconds from then on.

The provider waits for the first answer, so that a container that does not come up fails the deployment. Docker asks for
the first time when the interval is over, and takes another one for the start only since 25.0, which the provider
refuses on an older engine. So the interval is short, and the check itself takes its time once it has succeeded.
https://docs.docker.com/reference/dockerfile/#healthcheck
"""

from __future__ import annotations

import shlex
from typing import Any

from unmoor.container import TEMP_DIR, health_check_command

# How long the provider waits for the first success, and after how many failures in a row a container is unwell.
WAIT_S = 60
RETRIES = 10
LOOKS = 50
PAUSE_S = 9
SUCCEEDED = f"{TEMP_DIR}/.healthy"


def self_check_command(port: int) -> str:
    """The command by which a container of the image asks itself, once something listens at the port, or after five
    seconds: what asks it has a part of the container's own processor, which it needs for its start."""
    listens = f"grep -qs ':{port:04X} [0-9A-F]*:0000 0A' /proc/net/tcp /proc/net/tcp6"
    check = shlex.join(health_check_command(port))
    return f"n=0; until {listens} || [ $n = {LOOKS} ]; do n=$((n + 1)); sleep .1; done; {check}"


def check(command: str) -> Any:
    """A check by a command of the shell, as the provider takes it: durations are written as Go writes them."""
    paused = f"{{ [ ! -e {SUCCEEDED} ] || sleep {PAUSE_S}; }} && touch {SUCCEEDED}"
    return {"tests": ["CMD-SHELL", f"{command} && {paused}"], "interval": "500ms", "timeout": "20s", "retries": RETRIES}
