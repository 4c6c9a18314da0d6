"""Runs started by a service of the target's: the protocol in docs/launchers.md, which any target may implement."""

from __future__ import annotations

from dataclasses import dataclass

from unmoor.runtime.http.client import JsonHttpClient, RequestRejected

from .platform import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class LauncherServicePlatform:
    """A launcher service; a run's handle is its id, and the service has at most one container for it."""

    rest: JsonHttpClient

    async def start(self, run: str) -> str:
        await self.rest.request("POST", f"/runs/{run}")
        return run

    async def stop(self, handle: str) -> None:
        try:
            await self.rest.request("DELETE", f"/runs/{handle}")
        except RequestRejected as error:
            if error.status != 404:
                raise

    async def list_executions(self, handles: frozenset[str]) -> list[Execution]:
        return [
            Execution(run=r["run"], handle=r["run"], ended=r["ended"], code=r["code"], detail=r["said"])
            for r in (await self.rest.request("GET", "/runs"))["runs"]
        ]

    async def close(self) -> None:
        await self.rest.close()


def launcher_service(url: str) -> LauncherServicePlatform:
    """The service at this URL, or at `unix:///path/to/socket`."""
    return LauncherServicePlatform(rest=JsonHttpClient(name="the launcher", url=url))
