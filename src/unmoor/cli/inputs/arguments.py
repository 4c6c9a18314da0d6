"""What a command that operates an agent is given, read and checked before anything is asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from unmoor.cli.inputs.prompt import read_stdin, require_text
from unmoor.local_folders import SPEC_FILE

if TYPE_CHECKING:
    from unmoor.operate.webhooks import RecordedWebhook


def file_and_run(given: Sequence[str]) -> tuple[Path, str]:
    """The spec and the run: what begins as ids do is the run."""
    runs = [each for each in given if each.startswith("run-")]
    files = [each for each in given if not each.startswith("run-")]
    if len(runs) > 1 or len(files) > 1:
        what = "one run at a time" if len(runs) > 1 else f"{files[1]!r} is no run's id; those begin with run-"
        raise typer.BadParameter(what, param_hint="RUN")
    return Path(files[0] if files else "."), runs[0] if runs else ""


def file_and_prompt(given: Sequence[str], *, has_prompt: bool) -> tuple[Path, str]:
    """The spec and the prompt: the last is the prompt, unless that is given otherwise."""
    most = 2 if has_prompt else 1
    if len(given) > most:
        what = "put the prompt into quotes" if has_prompt else "the prompt is given already"
        raise typer.BadParameter(f"{given[most]!r} is one too many; {what}", param_hint="PROMPT")
    if not has_prompt:
        return Path(given[0] if given else "."), ""
    if not given:
        raise typer.BadParameter("say what the agent is to do, or give --file or --hook", param_hint="PROMPT")
    if len(given) == 1 and _is_spec(given[0]):
        raise typer.BadParameter(f"{given[0]!r} is a spec; say after it what the agent is to do", param_hint="PROMPT")
    return Path(given[0] if len(given) == 2 else "."), given[-1]


def prompt_from(said: str, file: Path | None) -> str:
    """The prompt: as it was said, of standard input, or of a file."""
    if file is None:
        return require_text(read_stdin() if said == "-" else said, option="PROMPT")
    return require_text(_content(file, "--file").decode(errors="replace"), option="--file")


def recorded_webhook(
    hook: str, body: Path | None, headers: tuple[tuple[str, str], ...], *, session: str, prompt: Path | None
) -> RecordedWebhook | None:
    """The webhook that is to be sent, or None where a prompt is."""
    if not hook:
        for option, is_given in (("--body", body is not None), ("--header", bool(headers))):
            if is_given:
                raise typer.BadParameter("goes with --hook NAME", param_hint=option)
        return None
    for option, is_given in (("--session", bool(session)), ("--file", prompt is not None)):
        if is_given:
            raise typer.BadParameter("a webhook's trigger has its own; leave it out", param_hint=option)
    from unmoor.operate.webhooks import RecordedWebhook

    if body is None:
        raise typer.BadParameter("say which file holds the webhook's body; - reads it", param_hint="--body")
    return RecordedWebhook(webhook=hook, body=_content(body, "--body"), headers=headers)


def headers_of(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Headers as they were said, each `Name: value`."""
    found: list[tuple[str, str]] = []
    for line in given:
        name, colon, value = line.partition(":")
        is_name = name.isascii() and name.isprintable() and name and not set(name) & set(' "(),/:;<=>?@[\\]{}')
        if not colon or not is_name or not all(sign.isprintable() and ord(sign) < 256 for sign in value.strip()):
            raise typer.BadParameter(f"{line[:60]!r} is no header; write 'Name: value'", param_hint="--header")
        found.append((name, value.strip()))
    return tuple(found)


def validate_choices(given: Sequence[str], known: Sequence[str], *, option: str) -> tuple[str, ...]:
    """Values of an option that has some words only."""
    for word in given:
        if word not in known:
            near = get_close_matches(word, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise typer.BadParameter(f"{word!r} is not one of {', '.join(known)}{hint}", param_hint=option)
    return tuple(dict.fromkeys(given))


def _is_spec(text: str) -> bool:
    try:
        path = Path(text)
        return (path / SPEC_FILE).is_file() or (path.suffix in (".yaml", ".yml") and path.is_file())
    except OSError:
        return False  # longer than a name may be: it is a prompt


def _content(file: Path, option: str) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read() if sys.stdin else b""
    try:
        return file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint=option) from None
