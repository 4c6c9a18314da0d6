"""How a response ended, as far as it has been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unmoor.runtime.events import Finish, ModelAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The provider's word for a response's end (empty before it), whether the response says or calls anything, and
    whether it refuses to."""

    word: str = ""
    has_content: bool = False
    refuses: bool = False


def describe_ending(ending: Ending, finishes: Mapping[str, Finish]) -> ModelAnswer:
    """The answer by the format's words for its ends; a word that is not among them means that it is complete."""
    if not ending.word:
        return ModelAnswer(finish="broken", detail="the provider gave no reason for its end")
    finish = finishes.get(ending.word, "complete")
    if finish == "complete" and ending.refuses:
        finish = "refused"
    elif finish == "complete" and not ending.has_content:
        finish = "empty"
    return ModelAnswer(finish=finish, detail=ending.word[:100])


def has_text(text: Any) -> bool:
    """Whether this is a text with more than blanks."""
    return isinstance(text, str) and bool(text.strip())
