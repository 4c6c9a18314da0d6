"""Lazy SDKs: import a class of a cloud's SDK from its own module instead of the whole package.

An SDK's package, such as pulumi_gcp.compute, imports hundreds of modules for its first name, which takes most of a
graph's time. A name that does not follow the SDK's naming still imports the whole package.
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
    """Import a module that uses SDKs, and make the packages that it has not loaded yet lazy."""
    importlib.import_module(module)
    make_sdks_lazy()


def make_sdks_lazy() -> None:
    """Make the imported SDKs' packages that have not been loaded yet lazy."""
    for name, module in list(sys.modules.items()):
        if type(module).__name__ == LAZY and find_spec(f"{name}._inputs"):
            module.__class__ = _InParts


class _InParts(types.ModuleType):
    """A package that is not loaded; it finds each name in the module that defines it."""

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
