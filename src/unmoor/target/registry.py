"""Targets by name, shipped and third-party alike: the entry points `unmoor.targets`."""

from __future__ import annotations

import functools
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from unmoor.errors import BrokenTargetError, UnknownTargetError

from .contract import Target

GROUP = "unmoor.targets"


def names() -> tuple[str, ...]:
    """The installed targets' names, sorted; imports none of them."""
    return tuple(sorted(_entry_points()))


def distribution(name: str) -> str:
    """The distribution that offers a target, with its version; UnknownTargetError if none does."""
    return _distribution(_entry_point(name))


def load(name: str) -> Target:
    """The target of that name; imports it and no other.

    UnknownTargetError if nothing offers it; BrokenTargetError, naming the distribution, if it does not load, is no
    target, bears another name, or is offered twice.
    """
    entry = _entry_point(name)
    try:
        target = entry.load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise BrokenTargetError(f"target {name!r} from {_distribution(entry)} failed to import: {reason}") from error
    if not isinstance(target, Target):
        raise BrokenTargetError(
            f"target {name!r} from {_distribution(entry)} is not an unmoor.target.Target: {entry.value}"
        )
    if target.name != name:
        raise BrokenTargetError(f"target {name!r} from {_distribution(entry)} calls itself {target.name!r}")
    return target


def unknown_target_error(name: str) -> UnknownTargetError:
    """The error for a name that nothing offers, with the nearest one that something does."""
    near = get_close_matches(name, names(), n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return UnknownTargetError(f"unknown target {name!r}; {hint}installed targets: {', '.join(names())}")


@functools.cache
def _entry_points() -> dict[str, tuple[EntryPoint, ...]]:
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=GROUP):
        found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def _entry_point(name: str) -> EntryPoint:
    offers = _entry_points().get(name, ())
    if len(offers) > 1:
        # An editable install may list a distribution twice; the same object from the same place is one offer.
        offers = tuple({f"{offer.value} {_distribution(offer)}": offer for offer in offers}.values())
    match offers:
        case (offer,):
            return offer
        case ():
            raise unknown_target_error(name)
    givers = " and ".join(sorted(_distribution(o) for o in offers))
    raise BrokenTargetError(f"target {name!r} is offered by {givers}; uninstall one of them")


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown distribution"
