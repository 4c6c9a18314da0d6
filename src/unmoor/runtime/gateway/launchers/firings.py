"""Containers that a platform's scheduler starts, as the platform reports them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedFiring:
    """A container of a schedule's fire time that has ended: its trigger, the platform's id of the fire time, when it
    started, and why it ended."""

    trigger: str
    delivery: str
    at: str
    detail: str


@runtime_checkable
class FiringSource(Protocol):
    """A platform that still lists the ended containers of its scheduler."""

    async def ended_firings(self) -> list[EndedFiring]: ...


def firing_of_command(command: Sequence[str]) -> tuple[str, str] | None:
    """Trigger and delivery in the command of a schedule's container."""
    match list(command):
        case ["run", "--trigger", trigger, "--delivery", delivery]:
            return trigger, delivery
        case _:
            return None
