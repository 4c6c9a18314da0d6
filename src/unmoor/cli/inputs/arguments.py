"""Parses and validates the arguments of commands that operate an agent."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from unmoor.local_folders import SPEC_FILE

if TYPE_CHECKING:
    from unmoor.operate.webhooks import RecordedWebhook


def file_and_run(given: Sequence[str]) -> tuple[Path, str]:
    """The spec file and the run ID; an argument that begins with run- is the run."""
    runs = [each for each in given if each.startswith("run-")]
    files = [each for each in given if not each.startswith("run-")]
    if len(runs) > 1 or len(files) > 1:
        what = "one run at a time" if len(runs) > 1 else f"{files[1]!r} is not a run ID; run IDs begin with run-"
        raise typer.BadParameter(what, param_hint="RUN")
    return Path(files[0] if files else "."), runs[0] if runs else ""


def file_and_prompt(given: Sequence[str], *, has_prompt: bool) -> tuple[Path, str]:
    """The spec file and the prompt: the last argument, unless an option supplies the prompt."""
    limit = 2 if has_prompt else 1
    if len(given) > limit:
        what = "put the prompt into quotes" if has_prompt else "the prompt is already given"
        raise typer.BadParameter(f"{given[limit]!r} is one argument too many; {what}", param_hint="PROMPT")
    if not has_prompt:
        return Path(given[0] if given else "."), ""
    if not given:
        raise typer.BadParameter("give a prompt, --file or --hook", param_hint="PROMPT")
    if len(given) == 1 and _is_spec(given[0]):
        raise typer.BadParameter(f"{given[0]!r} is a spec; put the prompt after it", param_hint="PROMPT")
    return Path(given[0] if len(given) == 2 else "."), given[-1]


def prompt_from(text: str, file: Path | None = None, *, option: str = "PROMPT") -> str:
    """The prompt from the text, `-` for standard input, or a file; typer.BadParameter if it is blank."""
    if file is not None or text == "-":
        option = "--file" if file is not None else option
        text = _content(file or Path("-"), option).decode(errors="replace")
    if not text.strip():
        raise typer.BadParameter("the prompt is empty; write a task", param_hint=option)
    return text


def api_token(*, refused: str) -> str:
    """Takes the token out of the variable UNMOOR_TOKEN, so that nothing inherits it; empty without one.

    BadParameter for a token on the command line: every process of this machine can read that, the harness too.
    """
    if refused:
        text = "other programs, and the agent itself, can read the command line; set the variable UNMOOR_TOKEN instead"
        raise typer.BadParameter(text, param_hint="--token")
    token = os.environ.pop("UNMOOR_TOKEN", "")
    if not (token.isascii() and token.isprintable()):
        raise typer.BadParameter(
            "a header cannot contain all of its characters; use printable ASCII", param_hint="UNMOOR_TOKEN"
        )
    return token


def recorded_webhook(
    hook: str, body: Path | None, headers: tuple[tuple[str, str], ...], *, session: str, prompt: Path | None
) -> RecordedWebhook | None:
    """The webhook to send, or None if the command sends a prompt."""
    if not hook:
        for option, is_given in (("--body", body is not None), ("--header", bool(headers))):
            if is_given:
                raise typer.BadParameter("needs --hook NAME", param_hint=option)
        return None
    for option, is_given in (("--session", bool(session)), ("--file", prompt is not None)):
        if is_given:
            raise typer.BadParameter("not with --hook: the webhook's trigger defines it", param_hint=option)
    from unmoor.operate.webhooks import RecordedWebhook

    if body is None:
        raise typer.BadParameter("name the file with the webhook's body; - reads standard input", param_hint="--body")
    return RecordedWebhook(webhook=hook, body=_content(body, "--body"), headers=headers)


def headers_of(given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Parses headers, each written as `Name: value`."""
    headers: list[tuple[str, str]] = []
    for line in given:
        name, colon, value = line.partition(":")
        is_name = name.isascii() and name.isprintable() and name and not set(name) & set(' "(),/:;<=>?@[\\]{}')
        if not colon or not is_name or not all(sign.isprintable() and ord(sign) < 256 for sign in value.strip()):
            raise typer.BadParameter(f"{line[:60]!r} is not a header; write 'Name: value'", param_hint="--header")
        headers.append((name, value.strip()))
    return tuple(headers)


def validate_choices(given: Sequence[str], known: Sequence[str], *, option: str) -> tuple[str, ...]:
    """The values of an option, each of which must be one of the known words."""
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
