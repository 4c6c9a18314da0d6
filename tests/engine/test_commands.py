"""`unmoor preview`, `up`, `refresh`, `down` and `outputs` as a user runs them, with the real engine."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cloud import Cloud
from forked import UNMOOR
from real_engine import Engine

CHECKPOINTS = True  # what is left of a command that failed or was stopped

pytestmark = pytest.mark.slow

HELLO = str(Path(__file__).resolve().parents[2] / "examples" / "01-hello")
ON_DOCKER = (HELLO, "-t", "vm-docker")
CONTAINER, VOLUME = "docker:index/container:Container", "docker:index/volume:Volume"


def unmoor(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    stdin: dict = {"stdin": subprocess.DEVNULL} if given is None else {"input": given}
    return subprocess.run([*UNMOOR, *arguments], capture_output=True, text=True, timeout=120, **stdin)


def said(done: subprocess.CompletedProcess[str], code: int = 0) -> str:
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout


def test_an_agent_goes_up_stays_as_it_is_and_comes_down_without_its_data(own: Engine) -> None:
    planned = said(unmoor("preview", *ON_DOCKER))
    assert planned.startswith("hello in default on vm-docker: 26 to create\n")
    assert "  store:      + 6 Volume created\n" in planned
    assert own.cloud.things() == []

    made = unmoor("up", *ON_DOCKER, "--yes", "--no-verify")
    assert "  token:      [secret]\n" in said(made)
    assert "gateway: created Container hello-gateway-0" in made.stderr
    assert len(own.cloud.things()) == 26

    again = said(unmoor("up", *ON_DOCKER, "--yes", "--no-verify"))
    assert again.startswith("hello in default on vm-docker: no changes\n")

    shown = json.loads(said(unmoor("outputs", *ON_DOCKER, "--json")))
    token = json.loads(said(unmoor("outputs", *ON_DOCKER, "--json", "--show-token")))["token"]
    assert (shown["token"], len(token)) == ("[secret]", 43)
    assert token not in made.stdout + made.stderr
    assert token not in everything(own.folder / "data")

    down = said(unmoor("down", *ON_DOCKER, "--yes"))
    assert len(re.findall(r"^kept: Volume hello-store-\w+ ", down, flags=re.M)) == 6
    assert {t.type for t in own.cloud.things()} == {VOLUME}
    gone = unmoor("outputs", *ON_DOCKER)
    assert (gone.returncode, gone.stderr.split(":")[1]) == (1, " nothing is deployed as default.vm-docker in file")

    found = said(unmoor("up", *ON_DOCKER, "--yes", "--no-verify"))
    assert found.startswith("hello in default on vm-docker: 20 to create\n")
    lost = said(unmoor("down", *ON_DOCKER, "--yes", "--destroy-data"))
    assert "  data lost: Volume hello-store-runs is deleted with its data\n" in lost
    assert own.cloud.things() == []
    assert "nothing is deployed" in unmoor("down", *ON_DOCKER, "--yes").stderr


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("aws-ecs", {"Bucket"}),
        ("azure-container-apps", {"StorageAccount", "BlobContainer"}),
        ("gcp-cloud-run", {"Bucket"}),
    ],
)
def test_what_holds_data_stays_in_every_cloud_and_the_next_up_finds_it(
    own: Engine, target: str, kept: set[str]
) -> None:
    there = (HELLO, "-t", target, "--yes")
    said(unmoor("up", *there, "--no-verify"))
    store = {t.id for t in own.cloud.things() if t.type.rsplit(":", 1)[-1] in kept}
    down = said(unmoor("down", *there))
    assert kept <= set(re.findall(r"^kept: (\w+) hello-store", down, flags=re.M))
    left = {t.type.rsplit(":", 1)[-1] for t in own.cloud.things()}
    assert not left & {"ContainerApp", "Job", "TaskDefinition", "SecretVersion", "Secret"}
    said(unmoor("up", *there, "--no-verify"))
    assert store == {t.id for t in own.cloud.things() if t.type.rsplit(":", 1)[-1] in kept}
    said(unmoor("down", *there, "--destroy-data"))
    # A bundle is never deleted by itself: it goes with what it lies in.
    assert {t.type.rsplit(":", 1)[-1] for t in own.cloud.things()} <= {"BucketObjectv2", "Blob", "BucketObject"}


def everything(folder: Path) -> str:
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "passphrase"]
    return "\n".join(p.read_bytes().decode(errors="replace") for p in files)


def test_json_is_a_line_for_each_step_and_the_token_is_in_none(own: Engine) -> None:
    lines = [json.loads(line) for line in said(unmoor("up", *ON_DOCKER, "--yes", "--no-verify", "--json")).splitlines()]
    assert {line["event"] for line in lines} == {"preview", "step", "end", "outputs"}
    assert lines[0]["summary"] == "26 to create"
    assert lines[-1]["token"] == "[secret]"
    done = {line["name"] for line in lines if line["event"] == "step" and line["phase"] == "done"}
    assert {"hello-guard", "hello-launcher"} <= done


def test_what_fails_leads_to_the_spec_and_the_next_up_goes_on(own: Engine) -> None:
    own.cloud.fail("create", CONTAINER, "hello-launcher", text="no space left on device")
    failed = unmoor("up", *ON_DOCKER, "--yes", "--no-verify")
    assert failed.returncode == 1
    assert "\nresources: Container hello-launcher: no space left on device\n" in failed.stderr
    assert "resources) are in the state; run the command again to continue\n" in failed.stderr
    assert "Traceback" not in failed.stderr
    again = unmoor("up", *ON_DOCKER, "--yes", "--no-verify")
    assert re.match(r"note: the last up, started \S+, failed after \d+ resources; this command continues", again.stderr)
    assert len(own.cloud.things()) == 26
    said(again)


def test_drift_is_named_and_brought_back(own: Engine) -> None:
    said(unmoor("up", *ON_DOCKER, "--yes", "--no-verify"))
    assert said(unmoor("refresh", *ON_DOCKER)) == "hello in default on vm-docker: no drift\n"
    own.cloud.lose(CONTAINER, "hello-guard")
    found = said(unmoor("refresh", *ON_DOCKER))
    assert "1 of its resources have drifted; unmoor up restores them\n" in found
    assert "  guard:      Container hello-guard is gone\n" in found
    assert said(unmoor("up", *ON_DOCKER, "--yes", "--no-verify")).startswith(
        "hello in default on vm-docker: 1 to create\n"
    )


def test_data_that_a_change_would_delete_is_given_up_by_name_alone(own: Engine) -> None:
    there = (HELLO, "-t", "gcp-cloud-run", "--yes", "--no-verify", "--set", "targets.gcp-cloud-run.destroy_data=true")
    said(unmoor("up", *there))
    moved = (*there, "--set", "targets.gcp-cloud-run.region=us-central1")
    with own.cloud.changing() as changes:
        refused = unmoor("up", *moved)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == (
        "store: Bucket hello-store is deleted with its data; keep it, or allow its deletion with --destroy-data"
    )
    assert changes == []
    assert "data lost: Bucket hello-store" in said(unmoor("up", *moved, "--destroy-data"))


def test_nobody_is_asked_where_nobody_can_answer(own: Engine) -> None:
    asked = unmoor("up", *ON_DOCKER, "--no-verify")
    assert asked.returncode == 1
    assert asked.stderr.endswith(
        "Deploy hello in default on vm-docker? cannot ask for confirmation: stdin is not a terminal; pass --yes\n"
    )
    assert own.cloud.things() == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            (HELLO,),
            "targets: the spec has settings for aws-ecs, azure-container-apps, gcp-cloud-run, vm-docker; say which by -t",
        ),
        ((*ON_DOCKER, "--set", "gateway.cpux=1"), "gateway.cpux: unknown key 'cpux'; did you mean cpu?"),
        ((*ON_DOCKER, "-e", "staging"), "environment staging is not declared"),
        ((*ON_DOCKER, "--backend", "s3://ours"), "backend s3://ours: other users share this backend"),
    ],
)
def test_what_is_wrong_is_said_before_an_engine_starts(own: Engine, arguments: tuple[str, ...], line: str) -> None:
    done = unmoor("up", *arguments, "--yes")
    assert done.returncode in (1, 2)
    assert line in done.stderr
    assert "Traceback" not in done.stderr
    assert own.cloud.journal == []


def test_two_targets_of_one_environment_live_side_by_side(own: Engine) -> None:
    said(unmoor("up", *ON_DOCKER, "--yes", "--no-verify"))
    said(unmoor("up", HELLO, "-t", "gcp-cloud-run", "--yes", "--no-verify"))
    assert said(unmoor("preview", *ON_DOCKER)).startswith("hello in default on vm-docker: no changes\n")
    assert "run.app" in json.loads(said(unmoor("outputs", HELLO, "-t", "gcp-cloud-run", "--json")))["url"]


class Slow:
    """A cloud that takes a while for each thing that it makes, until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.seconds, create = seconds, Cloud.create

        def slow(cloud: Cloud, *arguments: object) -> object:
            deadline = time.monotonic() + self.seconds
            while time.monotonic() < deadline and self.seconds:
                time.sleep(0.02)
            return create(cloud, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(Cloud, "create", slow)


def begun(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*UNMOOR, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def begun_slowly(monkeypatch: pytest.MonkeyPatch, seconds: float) -> tuple[Slow, subprocess.Popen[str]]:
    """An `up` that makes its first things, each of which takes so long."""
    slow = Slow(monkeypatch, seconds)
    process = begun("up", *ON_DOCKER, "--yes", "--no-verify")
    heard(process, "creating Volume")
    return slow, process


def heard(process: subprocess.Popen[str], text: str) -> str:
    """What the process says on standard error up to a line with the text."""
    assert process.stderr is not None
    lines = ""
    for line in process.stderr:
        lines += line
        if text in line:
            return lines
    pytest.fail(f"{text!r} was never said: {lines}")


def test_ctrl_c_once_finishes_what_is_under_way_and_the_next_up_goes_on(
    own: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, process = begun_slowly(monkeypatch, 0.5)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "stopping after the operations in progress; press Ctrl-C again to stop at once\n" in rest
    assert "hello as default.vm-docker was stopped\n" in rest
    slow.seconds = 0
    again = unmoor("up", *ON_DOCKER, "--yes", "--no-verify")
    assert "was stopped after" in again.stderr
    assert "half done" not in again.stderr
    assert len(own.cloud.things()) == 26
    said(again)


def test_ctrl_c_twice_stops_at_once_and_the_next_command_names_what_is_half_made(
    own: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, process = begun_slowly(monkeypatch, 30)
    process.send_signal(signal.SIGINT)
    heard(process, "stopping after the operations in progress")
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "stopping at once: operations in progress may be left incomplete\n" in rest
    slow.seconds = 0
    again = unmoor("preview", *ON_DOCKER)
    assert re.search(r"a command that was killed left .*\bhello-\S+ half done: it may exist", again.stderr)
    said(again)


def test_a_killed_up_leaves_a_lock_that_is_named_and_taken_on_demand(
    own: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, process = begun_slowly(monkeypatch, 30)
    held = unmoor("refresh", *ON_DOCKER, "--repair")
    assert held.returncode == 1
    assert held.stderr.rstrip().endswith("; wait for it")
    killed(process)
    slow.seconds = 0
    locked = unmoor("up", *ON_DOCKER, "--yes", "--no-verify")
    assert locked.returncode == 1
    assert re.search(
        r"is locked by \S+, process \d+, since \S+; wait for it, or run unmoor refresh",
        locked.stderr,
    )
    repaired = unmoor("refresh", *ON_DOCKER, "--repair")
    assert "took over the lock of the dead command\n" in repaired.stderr
    said(repaired)
    left = unmoor("up", *ON_DOCKER, "--yes", "--no-verify")
    assert "already exists; if a killed command left it, delete it in the cloud and run this again" in left.stderr
    for thing in own.cloud.things():
        if thing.type.endswith((":Network", ":Container")):  # on a busy machine the killed one has come further
            own.cloud.lose(thing.type, thing.name)
    said(unmoor("refresh", *ON_DOCKER))
    said(unmoor("up", *ON_DOCKER, "--yes", "--no-verify"))


def killed(process: subprocess.Popen[str]) -> None:
    """Kills the command and the engine that it has started, as a machine that dies does."""
    for pid in [*children(process.pid), process.pid]:
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=30)


def children(parent: int) -> list[int]:
    found = list[int]()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended in the meantime
            head, _, rest = stat.read_text().rpartition(")")
            found += [int(head.split()[0])] if int(rest.split()[1]) == parent else []
    return found


def test_secrets_are_set_through_standard_input_and_lie_nowhere_in_plain(
    own: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    triage = (str(Path(HELLO).parent / "02-issue-triage"), "-t", "vm-docker")
    for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    missing = unmoor("up", *triage, "--yes", "--no-verify")
    assert missing.returncode == 2
    assert len(missing.stderr.splitlines()) == 2
    for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, f"planted-{name}")
    unset = unmoor("preview", *triage)
    assert unset.stderr.endswith(
        "secrets.hook-secret: config:githubWebhookSecret has no value; unmoor secrets set -t vm-docker githubWebhookSecret\n"
    )
    said(unmoor("secrets", "set", "githubWebhookSecret", *triage, given="planted-hook\n"))
    assert "HAS NO VALUE" not in said(unmoor("secrets", "list", *triage))
    made = unmoor("up", *triage, "--yes", "--no-verify")
    said(made)
    assert "planted-" not in everything(own.folder / "data") + made.stdout + made.stderr
    said(unmoor("secrets", "set", "githubWebhookSecret", *triage, given="planted-other"))
    rolled = said(unmoor("preview", *triage, "--diff"))
    assert (
        "  secrets:    ~ Container issue-triage-seed updated: uploads\n" in rolled
        or "issue-triage-seed replaced" in rolled
    )
    assert "planted-" not in rolled
