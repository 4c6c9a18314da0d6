"""The program `unmoor-agent`: every container of an agent runs it, with a command as its first argument."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from importlib import import_module

from unmoor.container import HEALTH_PATH
from unmoor.errors import UnmoorError
from unmoor.runtime.sandbox.libc import hide_memory

SERVICES = {"serve": "gateway", "guard": "guard", "launch": "launcher"}
COMMANDS = ("serve", "health PORT", "run RUN_ID", "run --trigger NAME [--delivery ID]", "guard", "launch")
TIMEOUT_S = 3


def main(arguments: list[str]) -> int:
    """Exit code 0 on success, 1 on failure, 2 with one line for an invalid configuration or command."""
    try:
        return _dispatch(arguments)
    except UnmoorError as error:
        print(f"unmoor-agent: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        file = f": {error.filename}" if error.filename else ""
        print(f"unmoor-agent: this machine: {error.strerror or error}{file}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _dispatch(arguments: list[str]) -> int:
    # Before any secret is read: a harness of the same user, on a kernel without Landlock, could read it here.
    hide_memory()
    match arguments:
        case ["health", port] if port.isdigit():
            return 0 if healthy(int(port)) else 1
        case ["run", *rest]:
            from unmoor.runtime.run.main import main as run

            return run(rest)
        case [service] if service in SERVICES:
            return import_module(f"unmoor.runtime.{SERVICES[service]}.main").main()
        case _:
            command = " ".join(arguments[:1]) or "(none)"
            print(f"unmoor-agent: unknown command {command}; commands: {', '.join(COMMANDS)}", file=sys.stderr)
            return 2


def healthy(port: int) -> bool:
    """Whether this container's service at that port reports health within 3 s."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{HEALTH_PATH}", timeout=TIMEOUT_S) as response:
            return 200 <= response.status < 300
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
