"""The OpenAPI document."""

from __future__ import annotations

from unmoor import __version__

from .builders import Values
from .paths import paths
from .schemas import SCHEMAS

ABOUT = (
    "Starts, lists, follows and cancels the runs of one agent. Every error has the shape Error, with a line that says "
    "what to do. Unknown parameters and members are rejected, never ignored."
)


def document(agent: str, hooks: tuple[str, ...] = ()) -> Values:
    return {
        "openapi": "3.1.0",
        "info": {"title": f"unmoor: {agent}", "version": __version__, "description": ABOUT},
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}, "schemas": SCHEMAS},
        "paths": paths(hooks),
    }
