"""What is said of each thing that deploying needs, by what was found of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from unmoor.doctor.account import Account, account_findings
from unmoor.doctor.machine import clock, docker, no_docker, ports
from unmoor.doctor.tools import Plugin, Pulumi, parse_version, plugins, pulumi, python
from unmoor.errors import UnmoorError
from unmoor.findings import Finding
from unmoor.targets.vm_docker.doctor import OWN, listening, published_ports, ssh_client

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(finding: Finding) -> str:
    return f"{finding.state} {finding.topic}: {finding}"


def lines(*found: Finding) -> list[str]:
    return [line(each) for each in found]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ((3, 11, 7), "fine Python: 3.11.7"),
        ((3, 14, 0), "fine Python: 3.14.0"),
        ((3, 11, 3), "wrong Python: 3.11.3; install Python 3.11.4 or newer"),
    ],
)
def test_python(version: tuple[int, ...], said: str) -> None:
    assert line(python(version)) == said


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Pulumi(path="/bin/pulumi", version="3.272.0", sdk="3.272.0"), "fine Pulumi CLI: 3.272.0 at /bin/pulumi"),
        (Pulumi(path="/bin/pulumi", version="3.300.1", sdk="3.272.0"), "fine Pulumi CLI: 3.300.1 at /bin/pulumi"),
        (Pulumi(sdk="3.272.0"), "wrong Pulumi CLI: not on PATH; unmoor doctor --install"),
        (
            Pulumi(elsewhere="/home/a/.pulumi/bin/pulumi"),
            'wrong Pulumi CLI: /home/a/.pulumi/bin/pulumi is not on PATH; export PATH="/home/a/.pulumi/bin:$PATH"',
        ),
        (
            Pulumi(path="/bin/pulumi"),
            "wrong Pulumi CLI: /bin/pulumi prints no version; reinstall it: https://www.pulumi.com/docs/install/",
        ),
        (
            Pulumi(path="/bin/pulumi", version="3.99.0", sdk="3.272.0"),
            "wrong Pulumi CLI: 3.99.0 at /bin/pulumi is older than 3.206.0; unmoor doctor --install",
        ),
        (
            Pulumi(path="/bin/pulumi", version="3.250.0", sdk="3.272.0"),
            "note Pulumi CLI: 3.250.0 at /bin/pulumi, older than its SDK 3.272.0; "
            "most commands work; update it if one fails",
        ),
    ],
)
def test_the_command_line_of_pulumi(found: Pulumi, said: str) -> None:
    assert line(pulumi(found, oldest="3.206.0")[1]) == said


def test_the_sdk_of_pulumi() -> None:
    found = [pulumi(Pulumi(sdk=sdk), oldest="3.206.0")[0] for sdk in ("3.272.0", "")]
    assert lines(*found) == [
        "fine Pulumi SDK: 3.272.0",
        "wrong Pulumi SDK: not installed; pip install 'unmoor[all]', or the extra of your target",
    ]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ([Plugin(name="aws", version="7.1.0"), Plugin(name="aws", version="7.2.0")], "fine plugin aws: 7.2.0"),
        (
            [Plugin(name="aws", version="7.1.0"), Plugin(name="gcp", version="7.2.0")],
            "wrong plugin aws: 7.1.0 is installed, but 7.2.0 is required; pulumi plugin install resource aws v7.2.0",
        ),
        ([], "wrong plugin aws: 7.2.0 is not installed; pulumi plugin install resource aws v7.2.0"),
        ([Plugin(name="aws")], "note plugin aws: provided by a program on PATH, version unknown"),
    ],
)
def test_a_plugin_is_wanted_at_the_version_of_its_sdk(there: list[Plugin], said: str) -> None:
    assert lines(*plugins({"aws": "7.2.0"}, there, readable=True)) == [said]


def test_plugins_of_which_nothing_is_known() -> None:
    assert lines(*plugins({"aws": "7.2.0", "gcp": ""}, [], readable=False)) == [
        "note plugin aws: 7.2.0 is required; only Pulumi's CLI can tell whether it is installed",
        "wrong plugin gcp: its SDK is not installed; pip install 'unmoor[all]', or the extra of your target",
    ]


def test_docker() -> None:
    assert lines(
        docker("28.1.1", where="on this machine", isolating=True),
        docker("27.1.0", where="on h", isolating=True),
        docker("27.0.3", where="on h", isolating=True),
        docker("20.10.24+dfsg1", where="on this machine"),
        no_docker("Permission denied", where="on h", needed_for="everything runs there"),
    ) == [
        "fine Docker: 28.1.1 on this machine",
        "fine Docker: 27.1.0 on h",
        "note Docker: 27.0.3 on h: a run's network reaches the machine itself before 27.1; update it there",
        "fine Docker: 20.10.24+dfsg1 on this machine",
        "wrong Docker: does not answer on h: Permission denied; start it, or give yourself access; everything runs there",
    ]


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        (2, "fine Clock: 2 s from AWS"),
        (-31, "note Clock: 31 s from AWS; set this machine's clock before the skew grows"),
        (-240, "wrong Clock: 240 s from AWS; set this machine's clock, as by timedatectl set-ntp true"),
        (None, "note Clock: AWS did not report its time"),
    ],
)
def test_the_clock(apart: int | None, said: str) -> None:
    there = None if apart is None else NOW + timedelta(seconds=apart)
    assert line(clock(NOW, there, where="AWS")) == said


def test_ports_are_free_or_this_agents_or_somebodys() -> None:
    taken = {443: "the container web", 8080: OWN, 22: ""}
    assert lines(
        *ports((80, 443, 8080, 22), taken, where="on h", own=OWN), *ports((80,), None, where="on h", own=OWN)
    ) == [
        "fine port 80: free on h",
        "wrong port 443: taken on h by the container web; stop it, or choose another machine or port",
        "fine port 8080: taken on h by this agent",
        "wrong port 22: taken on h by another program; stop it, or choose another machine or port",
        "note port 80: cannot check whether it is free on h",
    ]


def test_ports_are_read_off_the_kernels_tables() -> None:
    table = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:0050 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
  12: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0
"""
    assert listening(table) == {8080, 22}


def test_published_ports_are_this_agents_by_all_of_its_labels() -> None:
    own = {"unmoor.agent": "a", "unmoor.environment": "prod"}
    containers = [
        {"Names": ["/mine"], "Labels": {**own, "x": "y"}, "Ports": [{"PrivatePort": 80, "PublicPort": 80}]},
        {"Names": ["/web"], "Labels": {"unmoor.agent": "a"}, "Ports": [{"PublicPort": 443}, {"PrivatePort": 9}]},
        {"Names": ["/none"], "Labels": None, "Ports": None},
    ]
    assert published_ports(containers, own) == {80: OWN, 443: "the container web"}


def test_the_ssh_client() -> None:
    assert lines(ssh_client("/usr/bin/ssh"), ssh_client(None)) == [
        "fine SSH: /usr/bin/ssh",
        "wrong SSH: no ssh client is installed; install OpenSSH's",
    ]


def test_who_is_logged_in_is_shown_and_nothing_else() -> None:
    found = account_findings(
        lambda: Account(who="account 1, arn:x", at=NOW), where="AWS", todo="log in", now=lambda: NOW
    )
    assert lines(*found) == ["fine credentials: account 1, arn:x", "fine Clock: 0 s from AWS"]


def test_who_is_not_logged_in_is_told_how() -> None:
    def nobody() -> Account:
        raise UnmoorError("AWS cannot be reached: Unable to locate credentials")

    found = account_findings(nobody, where="AWS", todo="log in by aws sso login")
    assert lines(*found) == [
        "wrong credentials: AWS cannot be reached: Unable to locate credentials; log in by aws sso login"
    ]


@pytest.mark.parametrize(("text", "found"), [("v3.250.0-alpha.1+x", (3, 250, 0)), ("20.10", (20, 10)), ("dev", ())])
def test_versions_are_compared_by_their_numbers(text: str, found: tuple[int, ...]) -> None:
    assert parse_version(text) == found


def test_only_the_workspace_uses_pulumis_automation() -> None:
    root = Path(__file__).resolve().parents[2]
    files = [path for top in ("src", "stacks", "targets") for path in (root / top).rglob("*.py")]
    users = [
        p.relative_to(root).as_posix()
        for p in files
        if "pulumi.automation" in (t := p.read_text()) or "import automation" in t
    ]
    assert set(users) <= {"stacks/workspace.py", "stacks/pulumi_cli.py"}
