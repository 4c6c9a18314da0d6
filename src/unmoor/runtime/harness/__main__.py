"""`python -m unmoor.runtime.harness NAME...`: installs harnesses in the versions that this release is tested with."""

from __future__ import annotations

import sys

from unmoor.local_folders import cache_folder
from unmoor.runtime.errors import ConfigurationError

from .installed import install
from .versions import HARNESS_VERSIONS


def main(names: list[str]) -> int:
    for name in names:
        try:
            install(name, HARNESS_VERSIONS[name], cache_folder())
        except ConfigurationError as problem:
            print(problem, file=sys.stderr)
            return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
