"""The command line: a command parses, calls and prints. Its imports happen when it is called."""

from __future__ import annotations

import gc
import io
import os
import sys
import time


def main() -> None:
    """The program `unmoor`: exits with 0 on success, 1 on failure, 2 on invalid input."""
    # A command ends before its garbage matters; collecting it would take a third of a graph's time.
    gc.disable()
    # Pydantic looks for plugins in the metadata of every installed distribution; unmoor uses none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from typer.main import get_command

    from unmoor.cli.app import app_for
    from unmoor.cli.repeated_options import refuse_repeated_options
    from unmoor.errors import UnmoorError

    _tolerate_encoding()
    debug = "--debug" in sys.argv
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    try:
        command = get_command(app_for(arguments))
        refuse_repeated_options(command, arguments)
        command(args=arguments)
    except UnmoorError as error:
        if debug:
            raise
        from unmoor.cli.render.event_lines import printable_lines

        print(printable_lines(str(error)), file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        # The reader has read enough, as `head` does.
        sys.stderr.close()
        raise SystemExit(0) from None
    except OSError as error:
        if debug:
            raise
        print(f"{error.filename or 'the output'}: {error.strerror or error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        gc.freeze()  # else Python collects all of it once more as it ends
        if "obstore" in sys.modules:
            # obstore 0.12 may abort a process that ends within a millisecond of its last answer from the network.
            time.sleep(0.01)


def _tolerate_encoding() -> None:
    """Prints a question mark for a character that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
