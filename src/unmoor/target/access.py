"""Who may do what, independent of the platform."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may do what in a recorded graph; `unmoor.recording.access_rules` compares it with the plan.

    A principal is a container or identity of the agent (gateway, run, guard, schedules, launcher, or another of the
    target's); `anyone` is the public. The members are:

    reads: (principal, secret name) for each secret that the principal gets by injection or by a permission.
    self_obtainable: those of `reads` that code in the container could fetch itself with credentials it can reach.
    store_access: (principal, "read" | "write" | "delete", store prefix); the prefix "" is the whole store.
    starts: (principal, what it may start).
    listens: (what, port, public, TLS).
    wildcards: one line for each grant on all resources where a single one could be named.
    """

    reads: frozenset[tuple[str, str]]
    self_obtainable: frozenset[tuple[str, str]]
    store_access: frozenset[tuple[str, str, str]]
    starts: frozenset[tuple[str, str]]
    listens: frozenset[tuple[str, int, bool, bool]]
    wildcards: tuple[str, ...] = ()
