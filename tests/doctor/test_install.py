"""Pulumi's own installer is run where that is asked for, and never here: what it is told is looked at in its place."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from pulumi import automation

from unmoor.errors import UnmoorError
from unmoor.stacks.pulumi_cli import install_cli


def installing(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    monkeypatch.setattr(automation.PulumiCommand, "install", staticmethod(act))


def test_it_is_put_where_pulumi_puts_it_for_everybody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    told: list[Any] = []
    said: list[str] = []
    installing(monkeypatch, lambda **given: told.append(given))
    assert install_cli(said.append) == f"{tmp_path}/.pulumi/bin/pulumi"
    assert told == [{"root": f"{tmp_path}/.pulumi"}]
    assert said == [f"running https://get.pulumi.com/install.sh --install-root {tmp_path}/.pulumi"]


def fails(error: Exception) -> Any:
    def act(**given: Any) -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError("no route to host"), "Pulumi's installer failed: no route to host"),
        (
            subprocess.CalledProcessError(1, ["x"], output=b"=== Installing\nerror: no such version\n"),
            "Pulumi's installer failed: error: no such version",
        ),
    ],
)
def test_an_installer_that_fails_has_one_line(monkeypatch: pytest.MonkeyPatch, error: Exception, text: str) -> None:
    installing(monkeypatch, fails(error))
    with pytest.raises(UnmoorError) as raised:
        install_cli(lambda line: None)
    assert str(raised.value) == text
