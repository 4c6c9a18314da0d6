"""The program `unmoor-agent`: what every container of an agent runs, by its first argument."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

from unmoor.container import HEALTH_PATH
from unmoor.errors import UnmoorError

COMMANDS = ("serve", "health PORT", "run RUN_ID", "run --trigger NAME [--delivery ID]", "guard", "launch")
TIMEOUT_S = 3


def main(arguments: list[str]) -> int:
    """0 where the command did what it says, 1 where it failed, 2 where it cannot be done here, said in one line."""
    try:
        return _dispatch(arguments)
    except UnmoorError as error:
        print(f"unmoor-agent: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        print(f"unmoor-agent: this machine: {error.strerror or error}{place}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _dispatch(arguments: list[str]) -> int:
    match arguments:
        case ["health", port] if port.isdigit():
            return 0 if healthy(int(port)) else 1
        case ["run", *rest]:
            from unmoor.runtime.run.main import main as run

            return run(rest)
        case ["serve"]:
            from unmoor.runtime.gateway.main import main as serve

            return serve()
        case ["guard"]:
            from unmoor.runtime.guard.main import main as guard

            return guard()
        case ["launch"]:
            from unmoor.runtime.launcher.main import main as launch

            return launch()
        case _:
            said = " ".join(arguments[:1]) or "(none)"
            print(f"unmoor-agent: no command {said}; it has: {', '.join(COMMANDS)}", file=sys.stderr)
            return 2


def healthy(port: int) -> bool:
    """Whether what listens on that port of this container answers the health path with success within 3 s."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{HEALTH_PATH}", timeout=TIMEOUT_S) as answer:
            return 200 <= answer.status < 300
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
