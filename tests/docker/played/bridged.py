"""What all types of a bridged provider have in common."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import ClassVar

import docker
from changes import Fields
from docker.errors import NotFound
from frame import Change, Values

# In the state of what was made and is not what it should be.
UNREADY = "unready"


@dataclass(frozen=True, slots=True)
class Bridged:
    """A type on one engine: its fields, and whether an old one goes before its successor comes."""

    engine: docker.APIClient
    fields: ClassVar[Fields]
    delete_first: ClassVar[bool] = True

    def check(self, inputs: Values) -> Values:
        return self.fields.checked(inputs, type(self).__name__)

    def diff(self, state: Values, before: Values, after: Values) -> Change:
        """One that was made and did not come up is made anew, whatever differs."""
        if state.get(UNREADY):
            return Change(paths=(UNREADY,), replaces=(UNREADY,), delete_first=self.delete_first)
        return self.fields.change(state, before, after, delete_first=self.delete_first)

    def read(self, id_: str, state: Values) -> Values | None:
        with contextlib.suppress(NotFound):
            return self.state(id_, state)
        return None

    def update(self, id_: str, state: Values, inputs: Values) -> Values:
        return self.state(id_, inputs)

    def state(self, id_: str, inputs: Values) -> Values:
        """The inputs, and what is read of it; NotFound where it is not there."""
        raise NotImplementedError
