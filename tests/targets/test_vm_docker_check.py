"""Every refusal of a machine with Docker, word for word."""

from __future__ import annotations

from typing import Any

import pytest
from cases import plan_of

from unmoor.target.registry import load

TARGET = load("vm-docker")
SSH = {"host": "ssh://me@203.0.113.7"}
EXISTING = {"model-key": {"existing": True}, "repo-token": {"env": "B"}, "hook-secret": {"env": "C"}}
REFUSALS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {},
        SSH,
        "targets.vm-docker.hostname: webhooks cannot reach a gateway without a public name; set it or network.domain, or proxy: none behind your own proxy",
    ),
    (
        {"network": {"domain": "a.example.com"}},
        {**SSH, "hostname": "b.example.com"},
        "targets.vm-docker.hostname: network.domain is already a.example.com; remove one of the two",
    ),
    (
        {},
        {**SSH, "hostname": "b.example.com", "port": 8080},
        "targets.vm-docker.port: b.example.com is served on 443; remove it, or set proxy: none",
    ),
    (
        {},
        {"host": "local", "ssh_opts": ["-i", "k"]},
        "targets.vm-docker.ssh_opts: local is not reached by ssh; remove them, or set host to ssh://…",
    ),
    (
        {"retention": {"logs": "2000d"}},
        {"host": "local"},
        "retention.logs: 2000d is over 1000d, one log file a day; lower it",
    ),
    ({"resources": {"memory": "5Mi"}}, {"host": "local"}, "resources.memory: 5Mi is under Docker's 6Mi; raise it"),
    ({"gateway": {"memory": "5Mi"}}, {"host": "local"}, "gateway.memory: 5Mi is under Docker's 6Mi; raise it"),
    (
        {"secrets": EXISTING},
        {"host": "local"},
        "secrets.model-key: its location on vm-docker is missing; set targets.vm-docker.secrets.model-key to the absolute path of its file",
    ),
    (
        {"secrets": EXISTING},
        {"host": "local", "secrets": {"model-key": "key"}},
        "targets.vm-docker.secrets.model-key: 'key' is not valid; write an absolute path without : or spaces",
    ),
]


@pytest.mark.parametrize(("spec", "settings", "expected"), REFUSALS, ids=[e[:60] for _, _, e in REFUSALS])
def test_what_cannot_be_honoured_is_refused(spec: dict[str, Any], settings: dict[str, Any], expected: str) -> None:
    found = TARGET.check(plan_of(**spec), TARGET.settings.model_validate(settings))
    assert expected in [str(p) for p in found]


def test_a_usual_plan_is_accepted() -> None:
    assert TARGET.check(plan_of(), TARGET.settings.model_validate({**SSH, "hostname": "a.example.com"})) == []
