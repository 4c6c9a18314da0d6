"""A rule of a cloud sees every request with its inputs, and its refusal is the provider's error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from cloud import Cloud
from rules import Gone, Refused

BUCKET = "aws:s3/bucket:Bucket"


def test_a_rule_refuses_by_verb_and_inputs_before_anything_is_made() -> None:
    def no_red(verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Cloud) -> None:
        if inputs.get("tags") == {"color": "red"}:
            raise Refused(f"{verb} {name}: no red")

    cloud = Cloud(rules=[no_red])
    with pytest.raises(Refused, match="create store: no red"):
        cloud.create(BUCKET, "store", {"bucketPrefix": "a", "tags": {"color": "red"}})
    assert cloud.things() == []
    thing, fault = cloud.create(BUCKET, "store", {"bucketPrefix": "a"})
    assert fault == ""
    with pytest.raises(Refused, match="update store: no red"):
        cloud.update("store", thing.key, {"tags": {"color": "red"}})
    assert cloud.things() == [thing]


def test_a_rule_on_reads_and_deletes_sees_what_is_there() -> None:
    seen: list[tuple[str, object]] = []

    def keep(verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Cloud) -> None:
        seen.append((verb, inputs.get("bucketPrefix")))
        if verb == "read" and len(seen) > 2:
            raise Gone("the password has expired")

    cloud = Cloud(rules=[keep])
    thing, _ = cloud.create(BUCKET, "store", {"bucketPrefix": "a"})
    assert cloud.read("store", thing.key) == thing
    assert cloud.read("store", thing.key) is None  # the provider calls it gone
    cloud.delete("store", thing.key)
    assert seen == [("create", "a"), ("read", "a"), ("read", "a"), ("delete", "a")]
