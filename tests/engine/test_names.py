"""A resource under a new name is another one, unless it says who it was: what a target's author must do when renaming."""

from __future__ import annotations

import pulumi
import pulumi_random as random
from deploys import Deploy
from real_engine import Engine

TYPE = "unmoor:one:Agent"


class Agent(pulumi.ComponentResource):
    def __init__(self, type_: str, child: str, *, was: str, child_was: str) -> None:
        super().__init__(type_, "agent", None, known(pulumi.Alias(type_=was) if was else None))
        random.RandomId(
            child,
            byte_length=4,
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(parent=self), known(pulumi.Alias(name=child_was) if child_was else None)
            ),
        )


def known(alias: pulumi.Alias | None) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(aliases=[alias] if alias else None)


def steps(engine: Engine, child: str, type_: str = TYPE, *, was: str = "", child_was: str = "") -> list[str]:
    """What an update does with the component of that type and its one child."""

    def program() -> None:
        Agent(type_, child, was=was, child_was=child_was)

    return Deploy(engine=engine, agent="names", stack=engine.stack("names", "dev", program)).up().steps


def test_an_alias_keeps_what_was_renamed(engine: Engine) -> None:
    steps(engine, "old")
    assert steps(engine, "new", child_was="old") == []
    assert engine.cloud.changes() == ["create random:index/randomId:RandomId old"]


def test_without_one_it_is_made_anew_and_the_old_one_goes(engine: Engine) -> None:
    steps(engine, "old")
    assert steps(engine, "new") == [
        "create random:index/randomId:RandomId new",
        "delete random:index/randomId:RandomId old",
    ]


def test_an_alias_of_the_component_keeps_all_that_is_in_it(engine: Engine) -> None:
    steps(engine, "child")
    assert steps(engine, "child", "unmoor:two:Agent", was=TYPE) == []
    assert engine.cloud.changes() == ["create random:index/randomId:RandomId child"]


def test_without_one_a_component_of_another_type_is_all_made_anew(engine: Engine) -> None:
    steps(engine, "child")
    assert steps(engine, "child", "unmoor:two:Agent") == [
        "create random:index/randomId:RandomId child",
        "create unmoor:two:Agent agent",
        "delete random:index/randomId:RandomId child",
        "delete unmoor:one:Agent agent",
    ]
