"""A container of a service or a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from .secrets import StoredSecret
from .sizes import Size

# Temporary files may fill this part of the container's memory.
TEMP_SHARE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container: what it runs, what it may use, and its scratch space, `work_mib` on `medium`."""

    name: str
    image: pulumi.Input[str]
    args: Sequence[str]
    environment: Mapping[str, pulumi.Input[str]]
    secrets: Sequence[StoredSecret]
    size: Size
    work_mib: int
    medium: str = "MEMORY"
    port: int = 0

    @property
    def volumes(self) -> dict[str, tuple[str, str]]:
        """Medium and size of each volume; volumes end with the instance."""
        return {
            "temp": ("MEMORY", f"{self.size.memory_mib // TEMP_SHARE}Mi"),
            "work": (self.medium, f"{self.work_mib}Mi"),
        }
