"""Findings about Docker, ports and clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from unmoor.findings import Finding, failure, note, ok

from .tools import parse_version

# What signatures of every cloud still take: AWS refuses from 5 minutes on, and webhooks that sign a time do as well.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
SKEW_S, NOTED_SKEW_S = 240, 30
# The first Docker whose networks can be without a gateway for containers, by which a run reaches its guard alone:
# https://docs.docker.com/engine/release-notes/27/#2710
ISOLATED = (27, 1)


def docker(version: str, *, where: str, isolating: bool = False) -> Finding:
    """The Docker engine there; with `isolating`, whether it is new enough to isolate runs from the machine."""
    if isolating and parse_version(version) < ISOLATED:
        open_ = "a run's network reaches the machine itself before 27.1"
        return note("Docker", f"{version} {where}: {open_}", "update it there")
    return ok("Docker", f"{version} {where}")


def no_docker(why: str, *, where: str, needed_for: str) -> Finding:
    """The finding that no engine answers there."""
    return failure("Docker", f"does not answer {where}: {why}", f"start it, or give yourself access; {needed_for}")


def clock(here: datetime, there: datetime | None, *, where: str) -> Finding:
    """Whether this machine's clock agrees with the other's closely enough for signatures."""
    if there is None:
        return note("Clock", f"{where} did not report its time")
    apart = abs((here - there).total_seconds())
    text = f"{apart:.0f} s from {where}"
    if apart >= SKEW_S:
        return failure("Clock", text, "set this machine's clock, as by timedatectl set-ntp true")
    return (
        note("Clock", text, "set this machine's clock before the skew grows")
        if apart >= NOTED_SKEW_S
        else ok("Clock", text)
    )


def ports(wanted: Sequence[int], taken: Mapping[int, str] | None, *, where: str, own: str) -> list[Finding]:
    """Whether the ports are free there, or taken by this agent. `taken` maps ports to owners; None if unknown."""
    return [_port(number, taken, where=where, own=own) for number in wanted]


def _port(number: int, taken: Mapping[int, str] | None, *, where: str, own: str) -> Finding:
    topic = f"port {number}"
    if taken is None:
        return note(topic, f"cannot check whether it is free {where}")
    by = taken.get(number)
    if by is None:
        return ok(topic, f"free {where}")
    if by == own:
        return ok(topic, f"taken {where} by this agent")
    return failure(topic, f"taken {where} by {by or 'another program'}", "stop it, or choose another machine or port")
