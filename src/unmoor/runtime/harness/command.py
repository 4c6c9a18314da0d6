"""A program of the user's own: it reads the prompt from stdin and prints its answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from unmoor.runtime.events import HarnessEvent, Message

from .json_lines_reader import describe_exit, harness_outcome
from .launch_files import environment, instructions
from .protocol import Adapter, Command, HarnessOutcome, LaunchSpec, ProcessExit

_INSTRUCTIONS = "AGENTS.md"
_SESSION_FOLDER = "session"
# Of a long answer, the end is stored.
_ANSWER_CHARACTERS = 64_000
# The variables that the providers' own libraries read.
_PROVIDER_VARIABLES = {
    "anthropic": ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
    "google": ("GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY"),
}
_OPENAI_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_KEY")


def command(launch: LaunchSpec) -> Command:
    """How the program is started."""
    return Command(
        argv=(*launch.command, *launch.args),
        environment={**environment(launch), **_variables(launch)},
        stdin=launch.prompt.encode(),
        files=instructions(launch, _INSTRUCTIONS),
    )


def _variables(launch: LaunchSpec) -> dict[str, str]:
    variables = {
        "UNMOOR_SESSION": launch.session or launch.new_session,
        "UNMOOR_SESSION_FOLDER": str(launch.home / _SESSION_FOLDER),
    }
    if launch.instructions:
        variables["UNMOOR_INSTRUCTIONS"] = str(launch.home / _INSTRUCTIONS)
    if launch.model is None:
        return variables
    url, key = _PROVIDER_VARIABLES.get(launch.model.provider, _OPENAI_VARIABLES)
    return {
        **variables,
        url: launch.guard.model_url,
        key: launch.guard.token,
        "UNMOOR_MODEL": launch.model.name,
        "UNMOOR_MODEL_PROVIDER": launch.model.provider,
        "UNMOOR_MODEL_TOKEN": launch.guard.token,
        "UNMOOR_MODEL_URL": launch.guard.model_url,
    }


class CommandReader:
    """Every line is a message of the agent. Of all harnesses, only here the exit code decides."""

    def __init__(self, launch: LaunchSpec) -> None:
        self.program = launch.command[0].rsplit("/", 1)[-1] if launch.command else "command"
        self.session = launch.session or launch.new_session
        self._lines: deque[str] = deque()
        self._size = 0

    def feed(self, line: str) -> Iterable[HarnessEvent]:
        text = line.rstrip("\r\n")
        if not text.strip():
            return ()
        self._lines.append(text[-_ANSWER_CHARACTERS:])
        self._size += len(self._lines[-1]) + 1
        while self._size > _ANSWER_CHARACTERS + 1:
            self._size -= len(self._lines.popleft()) + 1
        return (Message(text=text),)

    @property
    def answer(self) -> str:
        """The end of the output."""
        return "\n".join(self._lines)

    def outcome(self, end: ProcessExit) -> HarnessOutcome:
        succeeded = end.code == 0 and end.signal is None
        reason = "" if succeeded else describe_exit(self.program, end)
        return harness_outcome(reason, session=self.session, answer=self.answer)


ADAPTER = Adapter(session_folders=(_SESSION_FOLDER,), command=command, reader=CommandReader)
