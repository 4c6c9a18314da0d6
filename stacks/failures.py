"""What an engine fails with, in our words: where, what, and what to do.

Each text that is looked for was read from the engine itself, or from the source that is named beside it.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from unmoor.deploy.engine_events import Diagnostic, Event, ResourceStep
from unmoor.errors import UnmoorError
from unmoor.stacks.engine_wire_format import type_and_name
from unmoor.stacks.stack_location import StackLocation
from unmoor.target import CredentialsHint
from unmoor.target.registry import load

LOCKED = re.compile(r"currently locked by|Another update is currently in progress")
LOCKED_BY = re.compile(r"created by (?P<who>\S+) \(pid (?P<process>\d+)\) at (?P<since>\S+)")
# The engine's warning names each resource so: "* urn:..., interrupted while creating".
PENDING = re.compile(r"\* (?P<urn>urn:\S+), interrupted while (?P<doing>\w+)")
PASSPHRASE = re.compile(r"incorrect passphrase|passphrase must be set|PULUMI_CONFIG_PASSPHRASE")
PLUGIN = re.compile(r"install the plugin using `(?P<command>pulumi plugin install [^`]+)`")
STOPPED = re.compile(r"\b(?:update|operation|preview|destroy|refresh) cancell?ed", re.IGNORECASE)
DAMAGED = re.compile(r"failed to load checkpoint: .*")
BACKEND = re.compile(
    r"(read \"\.pulumi/meta\.yaml\"|could not list bucket|unable to (?:open|read) bucket|problem logging in"
    r"|PULUMI_ACCESS_TOKEN).*"
)
RIGHTS = re.compile(r"AccessDenied|is not authorized to perform|AuthorizationFailed|PERMISSION_DENIED|\b403\b")
QUOTA = re.compile(r"LimitExceeded|QuotaExceeded|quota|TooMany\w*Exception|VcpuLimit", re.IGNORECASE)
EXISTS = re.compile(r"already exists|AlreadyExists|AlreadyOwnedByYou|already own|ResourceExists", re.IGNORECASE)
# How an engine and its bridges begin what a provider says: "creating urn:...: 1 error occurred:" and a list.
WRAPPED = re.compile(r"^(?:\w+ing )?urn:\S+:\s*|^\d+ errors? occurred:\s*|^\*\s*|^sdk-v2/provider2\.go:\d+:\s*")
LONGEST = 600


class DeployError(UnmoorError):
    """The engine did not do what it was asked; the text says why and what to do. What was made stays in the state."""


class LockedError(DeployError):
    """Another command holds the stack, or one that was killed has left its lock; `is_alive` where that can be told."""

    is_alive = False


class StoppedError(DeployError):
    """The command was stopped on purpose."""

    exit_code = 130


@dataclass(kw_only=True)
class Failure:
    """What was heard until an engine failed; `blamed` gives the spec path that a resource comes from."""

    place: StackLocation
    spec_path_of: Callable[[str, str], str] | None = None
    errors: list[Diagnostic] = field(default_factory=list[Diagnostic])
    done: int = 0

    def on_event(self, event: Event) -> None:
        """Keeps errors, and counts what was done."""
        if isinstance(event, Diagnostic) and event.severity == "error" and event not in self.errors:
            self.errors.append(event)
        elif isinstance(event, ResourceStep) and event.is_applied:
            self.done += 1


def to_deploy_error(text: str, failure: Failure) -> DeployError:
    """The error to raise for what the command printed and what was heard of it."""
    said = "\n".join([text, *(e.text for e in failure.errors)])
    where = f"{failure.place.project} as {failure.place.stack}"
    if LOCKED.search(said):
        return _locked(where, said)
    if found := PLUGIN.search(said):
        return DeployError(f"{where}: a plugin of the engine is not there and could not be fetched; {found['command']}")
    if PASSPHRASE.search(said):
        rule = f"{where}: the secrets of its state were encrypted with another passphrase"
        return DeployError(f"{rule}; set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE, to that one")
    if STOPPED.search(said):
        return StoppedError(f"{where} was stopped{_left(failure)}")
    if found := DAMAGED.search(text):
        remedy = "put a good copy into its place: the backend keeps each earlier one in .pulumi/backups"
        return DeployError(f"{where}: its state cannot be read, {_one_line(found[0])}; {remedy}")
    if found := BACKEND.search(text):
        return DeployError(f"backend {failure.place.backend}: {_one_line(found[0])}; check it and its credentials")
    lines = list(_blamed(failure)) or [f"{where}: {_last_line(text)}"]
    return DeployError("\n".join(lines) + _left(failure))


def translate_diagnostic(said: Diagnostic) -> Diagnostic:
    """A warning of the engine's about what a killed command has left, in one line; any other as it is."""
    found = [match["urn"] for match in PENDING.finditer(said.text)]
    return replace(said, text=pending_operations_text(found)) if found else said


def pending_operations_text(urns: Sequence[str]) -> str:
    """One line about resources of which nobody knows whether they were made; empty where there are none."""
    if not urns:
        return ""
    names = ", ".join(f"{type_.rsplit(':', 1)[-1]} {name}" for type_, name in map(type_and_name, urns))
    text = f"a command that was killed left {names} half done: it may be there without being in the state"
    return f"{text}; look for it there, then unmoor refresh --repair"


def _locked(where: str, said: str) -> LockedError:
    found = LOCKED_BY.search(said)
    if found is None:
        remedy = "wait for it, or if it is gone: unmoor refresh --repair"
        return LockedError(f"{where} is locked by another command; {remedy}")
    here = found["who"].rpartition("@")[2] == socket.gethostname()
    alive = here and _is_running(int(found["process"]))
    remedy = "wait for it" if alive else "wait for it, or if that process is gone: unmoor refresh --repair"
    error = LockedError(
        f"{where} is locked by {found['who']}, process {found['process']}, since {found['since']}; {remedy}"
    )
    error.is_alive = alive
    return error


def _left(failure: Failure) -> str:
    if not failure.done:
        return ""
    return f"\nwhat was done before that ({failure.done} of the resources) is kept; run the command again to go on"


def _blamed(failure: Failure) -> Iterator[str]:
    """A line for each resource that failed: its spec path, what the provider says, and what to do."""
    for error in failure.errors:
        text = _provider_says(error.text)
        if error.name:
            path = failure.spec_path_of(error.type, error.name) if failure.spec_path_of else error.name
            kind = error.type.rsplit(":", 1)[-1]
            yield f"{path}: {kind} {error.name}: {text}{_remedy(text, failure.place.target)}"
        elif not text.startswith(("update failed", "preview failed")):
            yield f"{failure.place.project}: {text}{_remedy(text, failure.place.target)}"


def _remedy(text: str, target: str) -> str:
    hint = _credentials_hint(target)
    if hint is not None and re.search(hint.pattern, text, re.IGNORECASE):
        return f"; {hint.remedy}, then run unmoor doctor"
    if RIGHTS.search(text):
        return "; docs/deploying lists every right that who deploys needs"
    if EXISTS.search(text):
        return "; if a command that was killed has left it, delete it there and run this again; else rename the agent"
    return "; ask the cloud for a larger quota, or ask it for less" if QUOTA.search(text) else ""


def _credentials_hint(target: str) -> CredentialsHint | None:
    with contextlib.suppress(UnmoorError):
        return load(target).credentials_hint
    return None


def _provider_says(text: str) -> str:
    """One line without what engine and bridge wrap around it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = " ".join(lines)
    while (bare := WRAPPED.sub("", found)) != found:
        found = bare
    return _one_line(found)


def _last_line(text: str) -> str:
    """What the command itself printed on standard error, or the last that it printed at all."""
    stderr = text.rpartition("stderr:")[2]
    lines = [line.strip() for line in stderr.splitlines() if line.strip()] or text.strip().splitlines()
    return _one_line(lines[-1].removeprefix("error: ") if lines else "the engine failed and said nothing")


def _one_line(text: str) -> str:
    found = " ".join(text.split())
    return found if len(found) <= LONGEST else f"{found[:LONGEST]}..."


def _is_running(process: int) -> bool:
    """Whether it runs here; one that has ended and that nobody has asked after yet does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
