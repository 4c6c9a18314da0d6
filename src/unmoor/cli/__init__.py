"""The command line: a command parses, calls and prints. What it needs is imported when it is called."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """The program `unmoor`: exit 0 done, 1 failed, 2 the input is wrong; no traceback unless --debug is given."""
    from unmoor.cli.app import app
    from unmoor.errors import UnmoorError

    # A command ends before its garbage matters; looking for it would take a third of a graph's time.
    gc.disable()
    debug = "--debug" in sys.argv
    try:
        app(args=[a for a in sys.argv[1:] if a != "--debug"])
    except UnmoorError as error:
        if debug:
            raise
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        # The reader has read enough, as `head` does.
        sys.stderr.close()
        raise SystemExit(0) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
