"""The engine's failures as errors that name the place, the reason and the remedy.

Each pattern was taken from the engine's output or from the source that is named beside it.
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
from unmoor.stacks.remedies import passing_hints, remedy_of, target_hints
from unmoor.stacks.stack_location import StackLocation
from unmoor.target import FailureHint

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
SAME_STACK = re.compile(r"stack '[^']*' already exists")
# The prefixes that the engine and its bridges add to a provider's message: "creating urn:...: 1 error occurred:".
WRAPPED = re.compile(
    r"^(?:\w+ing )?urn:\S+:\s*|^\d+ errors? occurred:\s*|^\*\s*|^sdk-v2/provider2\.go:\d+:\s*"
    r"|^Exception calling application:\s*"
)
MAX_LENGTH = 600


class DeployError(UnmoorError):
    """The engine failed; the text has the reason and the remedy. Created resources stay in the state.

    `passing` are the hints of the target that explain every failed resource, if all of these errors pass with time.
    """

    passing: tuple[FailureHint, ...] = ()


class LockedError(DeployError):
    """Another command holds the stack's lock, or a killed one left it; `is_alive` if its process is known to run."""

    is_alive = False


class StoppedError(DeployError):
    """The command was stopped on purpose."""

    exit_code = 130


@dataclass(kw_only=True)
class Failure:
    """The events before a failure; `spec_path_of` gives the spec path of a resource's type and name."""

    place: StackLocation
    spec_path_of: Callable[[str, str], str] | None = None
    errors: list[Diagnostic] = field(default_factory=list[Diagnostic])
    done: int = 0

    def on_event(self, event: Event) -> None:
        """Collect errors, and count changed resources."""
        if isinstance(event, Diagnostic) and event.severity == "error" and event not in self.errors:
            self.errors.append(event)
        elif isinstance(event, ResourceStep) and event.is_applied:
            self.done += 1


def to_deploy_error(text: str, failure: Failure) -> DeployError:
    """The error for a failed command's output and events."""
    output = "\n".join([text, *(e.text for e in failure.errors)])
    where = f"{failure.place.project} as {failure.place.stack}"
    if LOCKED.search(output):
        return _locked_error(where, output)
    if found := PLUGIN.search(output):
        return DeployError(
            f"{where}: a plugin of the engine is missing and could not be downloaded; {found['command']}"
        )
    if SAME_STACK.search(text):
        return DeployError(f"{where}: another command created the stack at the same moment; run this again")
    if PASSPHRASE.search(output):
        rule = f"{where}: the state's secrets are encrypted with another passphrase"
        return DeployError(
            f"{rule}; set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE, to that passphrase"
        )
    if STOPPED.search(output):
        return StoppedError(f"{where} was stopped{_changes_so_far(failure)}")
    if found := DAMAGED.search(text):
        remedy = "restore a copy: the backend keeps earlier ones in .pulumi/backups"
        return DeployError(f"{where}: its state cannot be read: {_one_line(found[0])}; {remedy}")
    if found := BACKEND.search(text):
        return DeployError(f"backend {failure.place.backend}: {_one_line(found[0])}; check it and its credentials")
    lines = list(_resource_errors(failure)) or [f"{where}: {_last_line(text)}"]
    error = DeployError("\n".join(lines) + _changes_so_far(failure))
    error.passing = passing_hints(
        [_provider_message(e.text) for e in failure.errors if e.name], target_hints(failure.place.target)
    )
    return error


def translate_diagnostic(diagnostic: Diagnostic) -> Diagnostic:
    """The engine's warning about pending operations in one line; any other diagnostic unchanged."""
    found = [match["urn"] for match in PENDING.finditer(diagnostic.text)]
    return replace(diagnostic, text=pending_operations_text(found)) if found else diagnostic


def pending_operations_text(urns: Sequence[str]) -> str:
    """One line about the resources of pending operations, which may or may not exist; empty if there are none."""
    if not urns:
        return ""
    names = ", ".join(f"{type_.rsplit(':', 1)[-1]} {name}" for type_, name in map(type_and_name, urns))
    text = f"a command that was killed left {names} half done: it may exist without being in the state"
    return f"{text}; check for it in the cloud, then run unmoor refresh --repair"


def _locked_error(where: str, output: str) -> LockedError:
    found = LOCKED_BY.search(output)
    if found is None:
        remedy = "wait for it, or run unmoor refresh --repair if it is gone"
        return LockedError(f"{where} is locked by another command; {remedy}")
    is_local = found["who"].rpartition("@")[2] == socket.gethostname()
    alive = is_local and _is_running(int(found["process"]))
    remedy = "wait for it" if alive else "wait for it, or run unmoor refresh --repair if that process is gone"
    error = LockedError(
        f"{where} is locked by {found['who']}, process {found['process']}, since {found['since']}; {remedy}"
    )
    error.is_alive = alive
    return error


def _changes_so_far(failure: Failure) -> str:
    if not failure.done:
        return ""
    return (
        f"\nthe changes made before that ({failure.done} resources) are in the state; run the command again to continue"
    )


def _resource_errors(failure: Failure) -> Iterator[str]:
    """A line for each failed resource: its spec path, the provider's message, and the remedy."""
    for error in failure.errors:
        text = _provider_message(error.text)
        if error.name:
            path = failure.spec_path_of(error.type, error.name) if failure.spec_path_of else error.name
            kind = error.type.rsplit(":", 1)[-1]
            yield f"{path}: {kind} {error.name}: {text}{remedy_of(text, failure.place.target)}"
        elif not text.startswith(("update failed", "preview failed")):
            yield f"{failure.place.project}: {text}{remedy_of(text, failure.place.target)}"


def _provider_message(text: str) -> str:
    """A provider's message in one line, without the prefixes of engine and bridge."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = " ".join(lines)
    while (bare := WRAPPED.sub("", found)) != found:
        found = bare
    return _one_line(found)


def _last_line(text: str) -> str:
    """The last line of the command's standard error, or of its output."""
    stderr = text.rpartition("stderr:")[2]
    lines = [line.strip() for line in stderr.splitlines() if line.strip()] or text.strip().splitlines()
    return _one_line(lines[-1].removeprefix("error: ") if lines else "the engine failed without a message")


def _one_line(text: str) -> str:
    found = " ".join(text.split())
    return found if len(found) <= MAX_LENGTH else f"{found[:MAX_LENGTH]}..."


def _is_running(process: int) -> bool:
    """Whether the process runs on this machine; a zombie does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
