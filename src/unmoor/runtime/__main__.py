"""The program `unmoor-agent`. Of its commands this release has `health`; any other says so and exits 2."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

from unmoor.container import HEALTH_PATH

TIMEOUT_S = 3


def main(arguments: list[str]) -> int:
    """0 where the command did what it says, 1 where it failed, 2 where there is no such command."""
    if len(arguments) == 2 and arguments[0] == "health" and arguments[1].isdigit():
        return 0 if healthy(int(arguments[1])) else 1
    print(
        f"unmoor-agent: this release has no command {' '.join(arguments[:1]) or '(none)'}; it has: health PORT",
        file=sys.stderr,
    )
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
