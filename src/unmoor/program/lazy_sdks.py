"""SDKs in parts: a class of a cloud's SDK is taken from its own module, without running the package around it.

An SDK's package, such as pulumi_gcp.compute, runs hundreds of modules when the first of its names is asked for, which
is most of what a graph waits for. A name that is not where the SDK's naming says still runs the whole package.
"""

from __future__ import annotations

import importlib
import re
import sys
import types
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

# How pulumi puts off running a package: https://github.com/pulumi/pulumi/blob/master/sdk/python/lib/pulumi/_utils.py
LAZY = "_LazyModule"
WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def import_with_lazy_sdks(module: str) -> None:
    """Imports a module that builds with SDKs; what it did not need of them yet is run in parts."""
    importlib.import_module(module)
    make_sdks_lazy()


def make_sdks_lazy() -> None:
    """From here on, what the SDKs that have been imported would run later as whole packages is run in parts."""
    for name, module in list(sys.modules.items()):
        if type(module).__name__ == LAZY and find_spec(f"{name}._inputs"):
            module.__class__ = _InParts


class _InParts(types.ModuleType):
    """A package that has not run; asked for a name, it gives that of the module that the name is defined in."""

    def __getattr__(self, name: str) -> Any:
        for part in _parts(name):
            if find_spec(f"{self.__name__}.{part}") is None:
                continue
            module = importlib.import_module(f"{self.__name__}.{part}")
            if name == part:
                return module
            if name in getattr(module, "__all__", ()):
                setattr(self, name, getattr(module, name))
                return getattr(module, name)
        self.__class__ = types.ModuleType  # type: ignore[assignment]
        assert self.__spec__ is not None
        assert self.__spec__.loader is not None
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def _parts(name: str) -> Iterator[str]:
    """The modules that may define the name: RouteTable is in route_table, RouteTableRouteArgs in _inputs."""
    if name.startswith("__"):
        return
    yield WORDS.sub("_", name).lower().removesuffix("_output")
    if name.endswith(("Args", "ArgsDict")):
        yield "_inputs"
    yield "_enums"
