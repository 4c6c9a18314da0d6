"""A program of the user's own: it reads the prompt on standard input and prints what it has to say."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from unmoor.runtime.events import HarnessEvent, Message

from .json_lines_reader import last_line, one_line
from .launch_files import environment, instructions
from .protocol import Command, HarnessOutcome, LaunchSpec, ProcessExit

_INSTRUCTIONS = "AGENTS.md"
_SESSION_FOLDER = "session"
# What is kept of a long answer: its end.
_ANSWER_CHARACTERS = 64_000
# Names that the providers' own libraries look for.
_USUAL = {
    "anthropic": ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
    "openai": ("OPENAI_BASE_URL", "OPENAI_API_KEY"),
    "google": ("GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY"),
    "openrouter": ("OPENAI_BASE_URL", "OPENAI_API_KEY"),
    "openai-compatible": ("OPENAI_BASE_URL", "OPENAI_API_KEY"),
}


class OwnCommand:
    name = "command"
    session_folders = (_SESSION_FOLDER,)

    def command(self, job: LaunchSpec) -> Command:
        return Command(
            argv=(*job.command, *job.args),
            environment={**environment(job), **_session(job), **_instructions(job), **_model(job)},
            stdin=job.prompt.encode(),
            files=instructions(job, _INSTRUCTIONS),
        )

    def reader(self, job: LaunchSpec) -> CommandReader:
        return CommandReader(job)


ADAPTER = OwnCommand()


def _session(job: LaunchSpec) -> dict[str, str]:
    folder = str(job.home / _SESSION_FOLDER)
    return {"UNMOOR_SESSION": job.session or job.new_session, "UNMOOR_SESSION_FOLDER": folder}


def _instructions(job: LaunchSpec) -> dict[str, str]:
    return {"UNMOOR_INSTRUCTIONS": str(job.home / _INSTRUCTIONS)} if job.instructions else {}


def _model(job: LaunchSpec) -> dict[str, str]:
    if job.model is None:
        return {}
    url, key = _USUAL[job.model.provider]
    return {
        url: job.guarded.model_url,
        key: job.guarded.token,
        "UNMOOR_MODEL": job.model.name,
        "UNMOOR_MODEL_PROVIDER": job.model.provider,
        "UNMOOR_MODEL_TOKEN": job.guarded.token,
        "UNMOOR_MODEL_URL": job.guarded.model_url,
    }


class CommandReader:
    """Every line is something that it says; here, and only here, the exit code is the last word."""

    def __init__(self, job: LaunchSpec) -> None:
        self.program = job.command[0].rsplit("/", 1)[-1] if job.command else "command"
        self.session = job.session or job.new_session
        self._said: deque[str] = deque()
        self._size = 0

    def feed(self, line: str) -> Iterable[HarnessEvent]:
        said = line.rstrip("\r\n")
        if not said.strip():
            return ()
        self._said.append(said[-_ANSWER_CHARACTERS:])
        self._size += len(self._said[-1]) + 1
        while self._size > _ANSWER_CHARACTERS + 1:
            self._size -= len(self._said.popleft()) + 1
        return (Message(text=said),)

    @property
    def answer(self) -> str:
        """The end of what it said."""
        return "\n".join(self._said)

    def outcome(self, end: ProcessExit) -> HarnessOutcome:
        good = end.code == 0 and end.signal is None
        reason = "" if good else one_line(self._why(end))
        status = "succeeded" if good else "failed"
        return HarnessOutcome(status=status, reason=reason, session=self.session, answer=self.answer)

    def _why(self, end: ProcessExit) -> str:
        how = f"was ended by signal {end.signal}" if end.signal is not None else f"ended with exit code {end.code}"
        last = last_line(end.stderr)
        return f"{self.program} {how}" + (f": {last}" if last else "")
