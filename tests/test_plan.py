"""The plan: total, frozen, without a cloud's word, every default decided."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal
from pathlib import Path

import pytest

from unmoor.plan.bundle import config_json, pack, write_bundle
from unmoor.plan.physical_names import NameRule, physical_name
from unmoor.spec.defaults import DEFAULTS
from unmoor.spec.load import load
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec

ROOT = Path(__file__).resolve().parents[1]
CLOUD_WORDS = re.compile(r"\b(ecs|fargate|s3|iam|cloudwatch|blob|aca|gcs|cloud run|ec2|azure|aws|gcp)\b", re.I)


def test_every_default_is_in_the_table_and_in_the_plan(base_spec) -> None:
    plan = make_plan(Spec.model_validate(base_spec))
    assert plan.run.timeout_s == DEFAULTS["run.timeout"].value == 1800
    assert plan.gateway.cpu == Decimal("0.25")
    assert plan.secret("gateway-token").source == "generated"
    assert plan.network.egress == ()


@pytest.mark.parametrize(
    ("email", "server", "lines"),
    [
        ({"imap": "imap.example.co.uk"}, ".example.co.uk", 0),
        ({"imap": "example.org:143"}, ".example.org", 0),
        ({"imap": "imap.gmail.com"}, "mx.google.com", 1),
        ({"imap": "imap.example.org", "authserv_id": "MX.google.com"}, "MX.google.com", 1),
        ({"imap": "imap.gmail.com", "received_lines_above": 0}, "mx.google.com", 0),
        ({"imap": "localhost", "authserv_id": "mx.example.org", "received_lines_above": 2}, "mx.example.org", 2),
    ],
)
def test_a_mailbox_says_which_server_verifies_its_senders(base_spec, email, server: str, lines: int) -> None:
    account = {"user": "u", "password": "p", "allow_from": ["a@b.c"]}
    triggers = [{"name": "one", "prompt": "p", "email": {**account, **email}}]
    (mailbox,) = make_plan(Spec.model_validate({**base_spec, "triggers": triggers})).mailboxes
    assert (mailbox.authserv_id, mailbox.received_lines_above) == (server, lines)


def test_a_plan_is_frozen(base_spec) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_plan(Spec.model_validate(base_spec)).agent = "other"


# The only files of src/unmoor that may name a cloud, each with its reason.
CLOUD_FILES = {
    "prices/aws.py": "reads that vendor's price list",
    "prices/azure.py": "reads that vendor's price list",
    "runtime/gateway/launchers/aws_sigv4.py": "signs requests to that platform",
    "runtime/gateway/launchers/choose.py": "the table of the image's launchers",
    "runtime/gateway/launchers/container_apps.py": "starts runs on that platform",
    "runtime/gateway/launchers/ecs.py": "starts runs on that platform",
    "runtime/run/traces.py": "the names of model providers in OpenTelemetry's conventions",
    "runtime/store/__init__.py": "the schemes of store URLs",
}


def test_the_neutral_code_has_no_word_of_a_cloud() -> None:
    found = set()
    for path in (ROOT / "src" / "unmoor").rglob("*.py"):
        code = re.sub(r'""".*?"""|#[^\n]*', "", path.read_text(), flags=re.S)
        if CLOUD_WORDS.search(code):
            found.add(path.relative_to(ROOT / "src" / "unmoor").as_posix())
    assert found == CLOUD_FILES.keys()


def test_nothing_branches_on_a_targets_name() -> None:
    files = [p for top in ("src", "stacks", "targets") for p in (ROOT / top).rglob("*.py")]
    assert [str(p) for p in files if re.search(r"if .*target\.name ==", p.read_text())] == []


def test_the_bundle_is_the_same_whenever_and_wherever_it_is_packed(tmp_path: Path) -> None:
    import shutil

    copies = []
    for name in ("one", "two"):
        shutil.copytree(ROOT / "examples" / "06-everything", tmp_path / name)
        copies.append(load(tmp_path / name).plan)
    (tmp_path / "two" / "docs" / "notes.md").touch()
    assert pack(copies[0]) == pack(copies[1])
    assert write_bundle(copies[0], tmp_path).sha256 == write_bundle(copies[1], tmp_path).sha256


def test_the_bundle_holds_no_secret_and_nothing_of_the_infrastructure() -> None:
    held = config_json(load(ROOT / "examples" / "06-everything").plan)
    assert "secrets" not in held
    assert "cpu" not in held["run"]
    assert held["model"]["api_key"] == "anthropic-key"


def test_names_are_cut_with_a_digest_and_stay_different() -> None:
    plan = load(ROOT / "examples" / "01-hello").plan
    rule = NameRule(max_length=24)
    long = dataclasses.replace(plan, agent="a" * 32)
    assert len(physical_name(long, "gateway", rule)) == 24
    assert physical_name(long, "gateway", rule) != physical_name(long, "run", rule)
    assert physical_name(plan, "run", rule) == "hello-default-run"


def test_two_agents_that_would_read_alike_get_different_names() -> None:
    plan = load(ROOT / "examples" / "01-hello").plan
    rule = NameRule(max_length=63)
    one = dataclasses.replace(plan, agent="a-b", environment="c")
    other = dataclasses.replace(plan, agent="a", environment="b-c")
    assert physical_name(one, "run", rule) != physical_name(other, "run", rule)
