"""Runs as containers of a machine, by way of its launcher, which alone holds the Docker socket."""

from __future__ import annotations

from dataclasses import dataclass

from unmoor.runtime.rest import NotDone, Rest

from .elsewhere import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """The launcher's interface; a run's handle is its id, and there is one container of it by its name."""

    rest: Rest

    async def begin(self, run: str) -> str:
        await self.rest.ask("POST", f"/runs/{run}")
        return run

    async def end(self, handle: str) -> None:
        try:
            await self.rest.ask("DELETE", f"/runs/{handle}")
        except NotDone as fault:
            if fault.status != 404:
                raise

    async def executions(self, handles: frozenset[str]) -> list[Execution]:
        return [
            Execution(run=r["run"], handle=r["run"], ended=r["ended"], code=r["code"], said=r["said"])
            for r in (await self.rest.ask("GET", "/runs"))["runs"]
        ]

    async def close(self) -> None:
        await self.rest.close()


def docker(url: str) -> Docker:
    """The launcher at this URL, or at `unix:///path/to/socket`."""
    return Docker(rest=Rest(name="the launcher", url=url))
