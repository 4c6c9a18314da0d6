"""Passwords, as pulumi-random makes them: once, and again where anything of them changes."""

from __future__ import annotations

import secrets
import string

from frame import Change, Values


class Passwords:
    """The type random:index/randomPassword:RandomPassword."""

    def check(self, inputs: Values) -> Values:
        return inputs

    def diff(self, state: Values, before: Values, after: Values) -> Change:
        differs = tuple(sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k)))
        return Change(paths=differs, replaces=differs)

    def create(self, inputs: Values) -> tuple[str, Values]:
        letters = string.ascii_letters + string.digits
        return "none", {**inputs, "result": "".join(secrets.choice(letters) for _ in range(inputs["length"]))}

    def read(self, id_: str, state: Values) -> Values | None:
        return state

    def update(self, id_: str, state: Values, inputs: Values) -> Values:
        return {**state, **inputs}

    def delete(self, id_: str, state: Values) -> None:
        pass
