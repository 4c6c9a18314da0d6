"""The run's side of a shared link: it is open while the run has a connection, and renewed before a front cuts it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .channels import Channel, SharedLink
from .frames import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingTimes:
    """When new connections get a new link, and how long a link without connections stays open.

    Cloud Run ends a request after at most an hour, so that a connection may last 15 minutes or more:
    https://docs.cloud.google.com/run/docs/configuring/request-timeout
    """

    renew_s: float = 2700
    linger_s: float = 10


class SharedDial:
    """Opens channels. All of them are on one link, but for those that have outlived its renewal."""

    def __init__(self, dial: Callable[[], Awaitable[Link]], times: SharingTimes | None = None) -> None:
        self._dial = dial
        self._times = times or SharingTimes()
        self._dialing = asyncio.Lock()
        self._current: SharedLink | None = None
        self._renew_at = 0.0
        self._serving: dict[SharedLink, asyncio.Task[None]] = {}

    async def __call__(self) -> Channel:
        """A channel; ConnectionError or TimeoutError if the guard cannot be reached."""
        async with self._dialing:
            current = self._current
            if current is None or current.ended.is_set() or _now() >= self._renew_at:
                current = await self._connect()
            return current.open_channel()

    async def close(self) -> None:
        """Closes every link."""
        for link in self._serving:
            link.abort()
        await asyncio.gather(*self._serving.values(), return_exceptions=True)

    async def _connect(self) -> SharedLink:
        link = SharedLink(await self._dial())
        previous, self._current = self._current, link
        self._renew_at = _now() + self._times.renew_s
        link.on_idle = lambda: self._close_if_idle_later(link)
        self._serving[link] = task = asyncio.create_task(_serve(link))
        task.add_done_callback(lambda _: self._serving.pop(link, None))
        if previous is not None and previous.idle:
            previous.abort()
        return link

    def _close_if_idle_later(self, link: SharedLink) -> None:
        linger_s = self._times.linger_s if link is self._current else 0
        asyncio.get_running_loop().call_later(linger_s, self._close_if_idle, link)

    def _close_if_idle(self, link: SharedLink) -> None:
        if link.idle:
            if link is self._current:
                self._current = None
            link.abort()


async def _serve(link: SharedLink) -> None:
    with contextlib.suppress(ConnectionError):
        await link.serve()


def _now() -> float:
    return asyncio.get_running_loop().time()
