"""A target's settings in the spec, and the overrides among them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from unmoor.value_paths import parse_path, to_wire


class Override(BaseModel):
    """One change to the inputs of the resources that match: by type, and by name with or without the agent's prefix."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    type: str = Field(description="The resource's type, as `graph` shows it.")
    name: str = Field(description="Its name, with or without the agent's name before it; `*` is every one of the type.")
    set: dict[str, Any] = Field(min_length=1, description="Input path (camelCase, dots and [n]) to its new value.")

    @field_validator("set")
    @classmethod
    def _has_paths(cls, value: dict[str, Any]) -> dict[str, Any]:
        for path in value:
            parse_path(path)
        return {path: to_wire(v) for path, v in value.items()}


class Settings(BaseModel):
    """The settings that every target has; a target's own model inherits from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    overrides: list[Override] = Field([], description="Changes to any input of any resource, as a last resort.")
    destroy_data: bool = Field(False, description="Whether deleting the stack deletes the store's data as well.")
    secrets: dict[str, str] = Field({}, description="Location of each secret that is `existing`, by the secret's name.")


def override_matches(override: Override, agent: str, type_: str, name: str) -> bool:
    """Whether the override applies to this resource."""
    return override.type == type_ and override.name in ("*", name, name.removeprefix(f"{agent}-"))
