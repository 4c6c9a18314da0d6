"""What a state says that its deployment is reached by."""

from __future__ import annotations

from typing import Any

from unmoor.stacks.stack_outputs import stack_outputs
from unmoor.target import Outputs

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"a \\"token\\""'}


def state(**outputs: Any) -> dict[str, Any]:
    root = {"urn": "urn:pulumi:default.t::a::pulumi:pulumi:Stack::a-default.t", "type": "pulumi:pulumi:Stack"}
    return {"resources": [{**root, "outputs": outputs}, {"urn": "u", "type": "x:y:Z", "outputs": {"url": "another"}}]}


def test_outputs_are_the_stacks_own_with_their_secrets_shown() -> None:
    found = stack_outputs(state(url="https://a.example", token=SECRET, more=1))
    empty = dict.fromkeys(("store_url", "gateway", "run", "logs", "image", "bundle"), "")
    assert found == Outputs(url="https://a.example", token='a "token"', **empty)


def test_a_state_without_a_stack_has_none() -> None:
    assert stack_outputs({}).url == stack_outputs({"resources": None}).url == ""
