"""Where states lie, what encrypts them, and what the last command left."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from unmoor.errors import UnmoorError
from unmoor.stacks.failures import StoppedError
from unmoor.stacks.last_command import record_command, unfinished_command_note
from unmoor.stacks.passphrase import passphrase_environment, stored_passphrase
from unmoor.stacks.stack_location import StackLocation, stack_location


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNMOOR_DATA", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    return tmp_path


def test_two_targets_of_one_environment_live_side_by_side(own_folder: Path) -> None:
    places = [stack_location("a", None, target) for target in ("x", "y")]
    assert [p.stack for p in places] == ["default.x", "default.y"]
    assert {p.backend for p in places} == {f"file://{own_folder}/state"}
    assert all(p.is_default_backend for p in places)


def test_a_backend_is_the_one_given_else_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://ours")
    assert stack_location("a", "prod", "x").backend == "s3://ours"
    assert stack_location("a", "prod", "x", backend="gs://mine").backend == "gs://mine"


def test_a_passphrase_is_made_once_for_its_owners_eyes(own_folder: Path) -> None:
    first, second = (stored_passphrase(own_folder / "passphrase") for _ in range(2))
    file = Path(first["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert first == second
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text()) >= 32
    assert list(own_folder.iterdir()) == [file]


def test_a_passphrase_file_that_is_not_there_is_said(own_folder: Path) -> None:
    place, file = stack_location("a", "prod", "x", backend="s3://ours"), str(own_folder / "none")
    with pytest.raises(UnmoorError) as caught:
        passphrase_environment(place, {"PULUMI_CONFIG_PASSPHRASE_FILE": file})
    says = f"PULUMI_CONFIG_PASSPHRASE_FILE: {file} does not exist; correct it, or set PULUMI_CONFIG_PASSPHRASE"
    assert str(caught.value) == says
    both = {"PULUMI_CONFIG_PASSPHRASE_FILE": file, "PULUMI_CONFIG_PASSPHRASE": ""}
    assert passphrase_environment(place, both) == {}


def test_a_passphrase_that_is_gone_is_not_replaced_where_there_are_states(own_folder: Path) -> None:
    place = stack_location("a", "prod", "x")
    state = own_folder / "state" / ".pulumi" / "stacks" / "a" / "prod.x.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    with pytest.raises(UnmoorError) as caught:
        passphrase_environment(place, {})
    assert str(caught.value) == (
        f"the passphrase of the existing states is neither in {own_folder}/passphrase nor in the OS keyring; "
        "put the file back, or set PULUMI_CONFIG_PASSPHRASE"
    )
    assert not (own_folder / "passphrase").exists()


def test_a_backend_that_is_no_url_is_refused() -> None:
    with pytest.raises(
        UnmoorError, match=r"^backend nonsense: Pulumi does not know this kind of URL; start it with one of file://, "
    ):
        stack_location("a", "prod", "x", backend="nonsense")


def place(backend: str) -> StackLocation:
    return StackLocation(project="a", stack="prod.x", backend=backend)


@pytest.mark.parametrize(
    ("backend", "around", "provider"),
    [
        ("file:///s", {"PULUMI_CONFIG_PASSPHRASE": "p"}, ""),
        ("file:///s", {"PULUMI_CONFIG_PASSPHRASE": ""}, ""),
        ("s3://ours", {"PULUMI_CONFIG_PASSPHRASE_FILE": __file__}, ""),
        ("s3://ours", {}, "awskms://alias/unmoor"),
        ("https://api.pulumi.com", {}, ""),
    ],
)
def test_what_the_user_says_is_left_alone(backend: str, around: dict[str, str], provider: str) -> None:
    assert passphrase_environment(place(backend), around, secrets_provider=provider) == {}


def test_no_passphrase_is_made_that_would_lock_others_out() -> None:
    with pytest.raises(UnmoorError) as caught:
        passphrase_environment(place("s3://ours"), {})
    assert str(caught.value) == (
        "backend s3://ours: other users share this backend, so the encryption of its secrets must be set; "
        "set PULUMI_CONFIG_PASSPHRASE, or --secrets-provider such as awskms://alias/unmoor"
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [(None, ""), (StoppedError(""), "was stopped after 2 resources"), (UnmoorError(""), "failed after 2 resources")],
)
def test_the_next_command_says_what_the_last_one_left(error: UnmoorError | None, said: str) -> None:
    at = place("file:///s")
    assert unfinished_command_note(at) == ""
    try:
        with record_command(at, "up", SimpleNamespace(completed_steps=2)):
            assert "was killed, or is still running" in unfinished_command_note(at)
            if error is not None:
                raise error
    except UnmoorError:
        pass
    assert said in unfinished_command_note(at)
    assert bool(unfinished_command_note(at)) == bool(said)
