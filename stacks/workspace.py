"""The one place where Pulumi's Automation API is used: an agent's stack, and what an engine does to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import automation
from semver import VersionInfo

from unmoor.deploy.engine_events import Diagnostic, Event
from unmoor.errors import UnmoorError
from unmoor.stacks.events import events_of
from unmoor.stacks.failures import Failure, pending_operations_text, to_deploy_error, translate_diagnostic
from unmoor.stacks.passphrase import passphrase_environment
from unmoor.stacks.retention import has_gateway
from unmoor.stacks.stack_location import StackLocation
from unmoor.stacks.stack_outputs import stack_outputs
from unmoor.stacks.versions import OLDEST
from unmoor.target import Outputs

INSTALL = "unmoor doctor --install, or https://www.pulumi.com/docs/install/"
OnEvent = Callable[[Event], None]


class Cli(automation.PulumiCommand):
    """The pulumi on PATH; a process of it is in a session of its own, so that Ctrl-C reaches it from here alone.

    UnmoorError, with what to do, if there is none or it is too old.
    """

    def __init__(self) -> None:
        found = shutil.which("pulumi")
        if found is None:
            raise UnmoorError(f"pulumi is not on PATH, and it is what deploys; {INSTALL}")
        self.command = found
        self.version = _version(found)
        self.running: subprocess.Popen[str] | None = None
        if self.version < VersionInfo.parse(OLDEST):
            raise UnmoorError(f"pulumi {self.version} is older than {OLDEST}, the oldest that works here; {INSTALL}")

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,
        on_error: Callable[[str], Any] | None = None,
        *,
        stdin: str | None = None,
    ) -> automation.CommandResult:
        """As the SDK runs it; what is on our own standard input is never read."""
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        command = [self.command, "--non-interactive", *args]
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            start_new_session=True,
        ) as process:
            self.running = process
            try:
                stdout, stderr = process.communicate(stdin)
            finally:
                self.running = None
        result = automation.CommandResult(stdout.rstrip(), stderr.rstrip(), process.returncode)
        if process.returncode:
            raise automation.errors.create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Asks the engine that is running to stop: the first time after what is under way, the second time at once."""
        if (process := self.running) is not None:
            process.send_signal(signal.SIGINT)


@dataclass(kw_only=True)
class StackWorkspace:
    """An agent's stack. `program` is what makes its resources; without one it can only be looked at, or emptied.

    Every method raises UnmoorError, in our words and with what to do, where the engine fails; what the program itself
    refuses is raised as it is.
    """

    place: StackLocation
    program: Callable[[], object] | None = None
    secrets_provider: str = ""
    blamed: Callable[[str, str], str] | None = None

    def __post_init__(self) -> None:
        self.cli = Cli()
        self._refused: UnmoorError | None = None
        self._opened: automation.Stack | None = None

    def preview(self, on_event: OnEvent, *, policy_packs: Sequence[str] = ()) -> None:
        """Tells what `up` would do, and does nothing."""
        packs = list(policy_packs) or None
        self._does(lambda stack, hear: stack.preview(on_event=hear, policy_packs=packs), on_event, previewing=True)

    def up(self, on_event: OnEvent, *, only: Sequence[str] = (), policy_packs: Sequence[str] = ()) -> Outputs:
        """Makes the resources that the program asks for; with `only`, no more than those of these URNs."""
        wanted: dict[str, Any] = {"target": list(only) or None, "policy_packs": list(policy_packs) or None}
        self._does(lambda stack, hear: stack.up(on_event=hear, **wanted), on_event)
        return stack_outputs(self._exported("--show-secrets"))

    def refresh(self, on_event: OnEvent, *, repair: bool = False) -> None:
        """Takes into the state what is really there; `repair` also drops what a killed command left undecided."""
        self._does(lambda stack, hear: stack.refresh(on_event=hear, clear_pending_creates=repair or None), on_event)

    def destroy(self, on_event: OnEvent, *, only: Sequence[str] = ()) -> None:
        """Deletes every resource, and then the stack; with `only`, no more than those of these URNs, and no stack."""
        wanted: dict[str, Any] = {"target": list(only) or None, "remove": not only}
        self._does(lambda stack, hear: stack.destroy(on_event=hear, **wanted), on_event)

    def preview_destroy(self, on_event: OnEvent, *, only: Sequence[str] = ()) -> None:
        """Tells what `destroy` would do, and does nothing."""
        wanted = list(only) or None
        self._does(lambda stack, hear: stack.preview_destroy(on_event=hear, target=wanted), on_event, previewing=True)

    def outputs(self) -> Outputs | None:
        """What the deployed agent is reached by, secrets in plain; None where nothing is deployed.

        What `down` has left, which is what holds data, is nothing that is deployed.
        """
        if not self.exists():
            return None
        deployment = self._exported("--show-secrets")  # all of it at once: each question is a process of its own
        return stack_outputs(deployment) if has_gateway(self.place.project, deployment) else None

    def exists(self) -> bool:
        """Whether there is such a stack, with or without resources."""
        return self._stack(make=False) is not None

    def unlock(self) -> None:
        """Takes the lock of a command that is gone; UnmoorError where there is none."""
        self._guarded(lambda stack: stack.cancel())

    def deployment(self) -> Mapping[str, Any]:
        """The state as the engine has it, with what it left undecided; secrets stay encrypted."""
        self._stack()
        return self._exported()

    def half_done(self) -> str:
        """One line about what a killed command has left half done, as the state has it; empty where nothing."""
        pending = self.deployment().get("pending_operations") or () if self.exists() else ()
        return pending_operations_text([str(operation["resource"]["urn"]) for operation in pending])

    def config_keys(self) -> frozenset[str]:
        """The keys of the stack's config, without the project's name before them; none where there is no stack."""
        if not self.exists():
            return frozenset()
        return frozenset(key.partition(":")[2] for key in self._guarded(lambda stack: stack.get_all_config()))

    def set_secret(self, key: str, value: str) -> None:
        """Puts a secret into the stack's config, through the engine's standard input; the stack is made if need be."""
        self._stack()
        self._command(["config", "set", "--secret", f"unmoor:{key}", "--stack", self.place.stack], stdin=value)

    def interrupt(self) -> None:
        """See Cli.interrupt."""
        self.cli.interrupt()

    def _does(self, act: Callable[[automation.Stack, Any], Any], on_event: OnEvent, *, previewing: bool = False) -> Any:
        failure = Failure(place=self.place, spec_path_of=self.blamed)

        def hear(event: Any) -> None:
            for found in events_of(event, previewing=previewing):
                failure.on_event(found)
                on_event(translate_diagnostic(found) if isinstance(found, Diagnostic) else found)

        return self._guarded(lambda stack: act(stack, hear), failure)

    def _guarded(self, act: Callable[[automation.Stack], Any], failure: Failure | None = None) -> Any:
        self._refused = None
        stack = self._stack()
        assert stack is not None
        try:
            return act(stack)
        except automation.errors.CommandError as error:
            if self._refused is not None:
                raise self._refused from None
            raise to_deploy_error(str(error), failure or Failure(place=self.place)) from None

    def _stack(self, *, make: bool = True) -> automation.Stack | None:
        if self._opened is not None:
            return self._opened
        open_ = automation.create_or_select_stack if make else automation.select_stack
        try:
            self._opened = open_(
                self.place.stack,
                project_name=self.place.project,
                program=self._kept_program,
                opts=self._options(),
            )
        except automation.errors.StackNotFoundError:
            return None
        except automation.errors.CommandError as error:
            raise to_deploy_error(str(error), Failure(place=self.place)) from None
        _ask_nothing_afterwards(self._opened)
        return self._opened

    def _options(self) -> automation.LocalWorkspaceOptions:
        folder = self.place.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.place.is_default_backend:
            Path(self.place.backend.removeprefix("file://")).mkdir(parents=True, exist_ok=True, mode=0o700)
        return automation.LocalWorkspaceOptions(
            work_dir=str(folder),
            env_vars=self._environment(),
            secrets_provider=self.secrets_provider or None,
            pulumi_command=self.cli,
            project_settings=automation.ProjectSettings(
                name=self.place.project, runtime="python", main=os.getcwd(), backend=None
            ),
        )

    def _environment(self) -> dict[str, str]:
        return {
            "PULUMI_BACKEND_URL": self.place.backend,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **passphrase_environment(self.place, os.environ, secrets_provider=self.secrets_provider),
        }

    def _kept_program(self) -> None:
        """The program, whose own refusal is kept: the engine would make it a text, and a traceback."""
        assert self.program is not None, "only a stack with a program can be brought up"
        try:
            self.program()
        except UnmoorError as error:
            self._refused = error
            raise

    def _exported(self, *options: str) -> Mapping[str, Any]:
        found = self._command(["stack", "export", *options, "--stack", self.place.stack])
        return json.loads(found).get("deployment") or {}

    def _command(self, arguments: list[str], *, stdin: str | None = None) -> str:
        try:
            return self.cli.run(arguments, str(self.place.folder), self._environment(), stdin=stdin).stdout
        except automation.errors.CommandError as error:
            raise to_deploy_error(str(error), Failure(place=self.place)) from None


def install_cli(say: Callable[[str], None]) -> str:
    """Has Pulumi's own installer put its command line where it puts it for everybody, and gives the path."""
    root = Path("~/.pulumi").expanduser()
    say(f"runs https://get.pulumi.com/install.sh --install-root {root}")
    try:
        automation.PulumiCommand.install(root=str(root))
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.output.decode(errors="replace").strip() if isinstance(error, subprocess.CalledProcessError) else ""
        raise UnmoorError(f"Pulumi's installer failed: {said.splitlines()[-1] if said else error}") from None
    return str(root / "bin" / "pulumi")


def outputs_of(place: StackLocation) -> Outputs:
    """What the agent that is deployed there is reached by, secrets in plain; UnmoorError where nothing is deployed."""
    provider = os.environ.get("UNMOOR_SECRETS_PROVIDER", "")
    if (found := StackWorkspace(place=place, secrets_provider=provider).outputs()) is None:
        rule = f"{place.project}: nothing is deployed as {place.stack} in {place.backend}"
        raise UnmoorError(f"{rule}; run unmoor up, or name another -e, -t or --backend")
    return found


def _ask_nothing_afterwards(stack: automation.Stack) -> None:
    """After each operation the SDK asks the engine for outputs, twice, and for the last entry of its history.

    Each question is a process of its own, and none of the answers is used: what is needed is read once, by export.
    """
    setattr(stack, "outputs", dict)  # noqa: B010  # a method that is replaced on one object
    setattr(stack, "info", lambda show_secrets=True: "not asked")  # noqa: B010


def _version(command: str) -> VersionInfo:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    done = subprocess.run(
        [command, "version"], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL
    )
    try:
        return VersionInfo.parse(done.stdout.strip().removeprefix("v"))
    except ValueError:
        said = (done.stderr or done.stdout).strip()[:200]
        raise UnmoorError(f"{command} does not say its version, it says {said!r}; {INSTALL}") from None
