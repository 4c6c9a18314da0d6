"""The whole description."""

from __future__ import annotations

from unmoor import __version__

from .builders import Values
from .paths import paths
from .schemas import SCHEMAS

ABOUT = (
    "Runs of one agent: started, listed, followed and cancelled. Every refusal has one shape, Error, and one line that "
    "says what to do. A parameter or member that is not known is refused, never passed over."
)


def document(agent: str, hooks: tuple[str, ...] = ()) -> Values:
    """The description of that agent's gateway, with its webhooks' names."""
    return {
        "openapi": "3.1.0",
        "info": {"title": f"unmoor: {agent}", "version": __version__, "description": ABOUT},
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}, "schemas": SCHEMAS},
        "paths": paths(hooks),
    }
