"""A cloud in memory: what exists, what was asked of it and in which order, and what it was told to refuse."""

from __future__ import annotations

import functools
import operator
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from replacements import NAMED_BY, REVISIONED, TAKEN_ON, is_inside
from rules import Gone, Refused, Rule

from unmoor.recording import stand_ins as recorded
from unmoor.recording.common_stand_ins import COMMON
from unmoor.target.registry import load, names
from unmoor.target.stand_ins import FakeResource

STAND_INS = functools.reduce(operator.or_, (load(name).stand_ins() for name in names()), COMMON)
CHANGES = ("create", "update", "delete")


def fake_outputs(type_: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return recorded.fake_outputs(STAND_INS, FakeResource(type=type_, name=name, inputs=inputs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: what was to be done (`create`, `update`, `delete`, `read`...), to what."""

    verb: str
    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.verb} {self.type} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What exists: `salt` tells it from others that bear the same logical name, as ids of a cloud's own making do."""

    type: str
    name: str
    id: str
    salt: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        return key(self.type, self.id, self.outputs)


def key(type_: str, id_: str, outputs: Mapping[str, Any]) -> tuple[str, str]:
    """What a thing is found by: its id, but for what has revisions, which share one."""
    return type_, str(outputs["arn"]) if type_ in REVISIONED else id_


@dataclass(slots=True)
class _Fault:
    verb: str
    type: str
    name: str
    text: str
    after: bool
    times: int


@dataclass(slots=True)
class Cloud:
    """What the providers of every package share; safe to ask from many threads."""

    journal: list[Asked] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    # By the token of an invoke: what it returns instead of the stand-in.
    answers: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = field(default_factory=dict)
    _things: dict[tuple[str, str], Thing] = field(default_factory=dict)
    _faults: list[_Fault] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _each: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    _made: int = 0

    def things(self) -> list[Thing]:
        """Everything that exists, by type and name."""
        with self._lock:
            return sorted(self._things.values(), key=lambda t: (t.type, t.name, t.id))

    def keys(self) -> set[tuple[str, str]]:
        """What everything that exists is found by."""
        return {t.key for t in self.things()}

    def changes(self) -> list[str]:
        """What was made, changed and deleted, in order."""
        return [str(a) for a in list(self.journal) if a.verb in CHANGES]

    @contextmanager
    def changing(self) -> Iterator[list[str]]:
        """What is made, changed and deleted inside of the block, known at its end."""
        before, found = len(self.changes()), list[str]()
        yield found
        found += self.changes()[before:]

    def fail(
        self,
        verb: str,
        type_: str = "",
        name: str = "",
        *,
        text: str = "the cloud was told to fail",
        times: int = 1,
        after: bool = False,
    ) -> None:
        """The next requests of that kind fail; `after` the thing was made, where a cloud makes it and then finds fault."""
        with self._lock:
            self._faults.append(_Fault(verb=verb, type=type_, name=name, text=text, after=after, times=times))

    def fail_each(self, *verbs: str) -> None:
        """From here on every request of these kinds fails the first time it is made, on each thing.

        Every second thing that is made is there nonetheless, and not well.
        """
        with self._lock:
            self._each = {verb: set() for verb in verbs}

    def heal(self) -> None:
        """Forgets every fault that has not struck."""
        with self._lock:
            self._faults.clear()
            self._each.clear()

    def drift(self, type_: str, name: str, **changed: Any) -> None:
        """Somebody changes a thing behind the engine's back."""
        with self._lock:
            for key, thing in list(self._things.items()):
                if (thing.type, thing.name) == (type_, name):
                    self._things[key] = replace(thing, outputs={**thing.outputs, **changed})

    def lose(self, type_: str, name: str) -> None:
        """Somebody deletes a thing behind the engine's back."""
        with self._lock:
            self._things = {k: t for k, t in self._things.items() if (t.type, t.name) != (type_, name)}

    def asked(self, verb: str, type_: str, name: str, inputs: Mapping[str, Any] | None = None) -> None:
        """Keeps the request, and refuses it where it was told to or where a rule does."""
        with self._lock:
            self.journal.append(Asked(verb=verb, type=type_, name=name))
            self._strike(verb, type_, name, after=False)
            for rule in self.rules:
                rule(verb, type_, name, inputs or {}, self)

    def create(self, type_: str, name: str, inputs: Mapping[str, Any]) -> tuple[Thing, str]:
        """What was made, and what is wrong with it; Refused where nothing was made."""
        with self._lock:
            self.asked("create", type_, name, inputs)
            thing = self._named(type_, name, inputs)
            self._things[thing.key] = thing
            try:
                self._strike("create", type_, name, after=True)
            except Refused as error:
                return thing, str(error)
            return thing, ""

    def preview(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The outputs that it would have, made up."""
        return fake_outputs(type_, name, inputs)[1]

    def update(self, name: str, at: tuple[str, str], inputs: Mapping[str, Any]) -> Thing:
        with self._lock:
            self.asked("update", at[0], name, inputs)
            self._things[at] = self.foresee(at, inputs)
            return self._things[at]

    def foresee(self, at: tuple[str, str], inputs: Mapping[str, Any]) -> Thing:
        """An existing thing as it would be after an update; Refused where it is gone."""
        with self._lock:
            if at not in self._things:
                raise Refused(f"{at[0]} {at[1]} does not exist")
            thing = self._things[at]
            kept = {k: thing.outputs[k] for k in REVISIONED.get(at[0], ())}
            outputs = {**fake_outputs(at[0], thing.salt, inputs)[1], **kept}
            return replace(thing, inputs=inputs, outputs=outputs)

    def delete(self, name: str, at: tuple[str, str]) -> None:
        with self._lock:
            self.asked("delete", at[0], name, self._inputs(at))
            if thing := self._things.pop(at, None):
                self._things = {k: t for k, t in self._things.items() if not is_inside(t, thing)}

    def read(self, name: str, at: tuple[str, str]) -> Thing | None:
        with self._lock:
            try:
                self.asked("read", at[0], name, self._inputs(at))
            except Gone:
                return None
            return self._things.get(at)

    def invoke(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked("invoke", token, "", args)
        return self.answers[token](args) if token in self.answers else recorded.fake_invoke(STAND_INS, token, args)

    def _inputs(self, at: tuple[str, str]) -> Mapping[str, Any]:
        """The inputs of an existing thing."""
        return self._things[at].inputs if at in self._things else {}

    def _named(self, type_: str, name: str, inputs: Mapping[str, Any]) -> Thing:
        """The thing with an id that nothing else has; Refused where the user chose one that is taken."""
        self._refuse_taken_name(type_, inputs)
        id_, outputs = fake_outputs(type_, name, inputs)
        if type_ in REVISIONED:
            self._made += 1
            outputs = {**outputs, "arn": f"{outputs['arnWithoutRevision']}:{self._made}", "revision": self._made}
            return Thing(type=type_, name=name, id=id_, salt=name, inputs=inputs, outputs=outputs)
        salt = name
        if type_.startswith("random:"):
            self._made += 1
            salt = f"{name}#{self._made}"
            id_, outputs = fake_outputs(type_, salt, inputs)
        while (type_, id_) in self._things and type_ not in TAKEN_ON:
            self._made += 1
            taken, salt = id_, f"{name}#{self._made}"
            id_, outputs = fake_outputs(type_, salt, inputs)
            if id_ == taken:
                raise Refused(f"{type_} {id_} already exists")
        return Thing(type=type_, name=name, id=id_, salt=salt, inputs=inputs, outputs=outputs)

    def _refuse_taken_name(self, type_: str, inputs: Mapping[str, Any]) -> None:
        """Refused where the name that the user chose is another's."""
        keys: Sequence[str] = NAMED_BY.get(type_, ())
        wanted = [inputs.get(k) for k in keys]
        for thing in self._things.values():
            if keys and wanted[0] is not None and thing.type == type_ and [thing.inputs.get(k) for k in keys] == wanted:
                raise Refused(f"{type_} {wanted[0]} already exists")

    def _strike(self, verb: str, type_: str, name: str, *, after: bool) -> None:
        struck = self._each.get(verb, {(type_, name)})
        if (type_, name) not in struck and after == (verb == "create" and len(struck) % 2 == 1):
            struck.add((type_, name))
            raise Refused(f"{verb} failed the first time")
        for fault in self._faults:
            hit = (fault.verb, fault.after) == (verb, after) and fault.type in ("", type_) and fault.name in ("", name)
            if hit and fault.times > 0:
                fault.times -= 1
                raise Refused(fault.text)
