"""Every knob that the runtime has, and the test that fails if the runtime ignores it.

The knobs are the fields of the runtime's own configuration: a field that is added without a test fails here. Each named
test fails as well when nothing in it makes the runtime read the field (conftest.py). `make test-all` runs each once more
while the runtime reads another value than the field has, and then it must fail.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from knob_spies import FULL, knobs
from runs import Bench, command_spec, shell

from unmoor.runtime.config import read_config
from unmoor.runtime.errors import ConfigurationError, TransientError
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.new_run import run_from_trigger
from unmoor.runtime.store import Store, open_store

HERE = Path(__file__).parent

KNOBS: Mapping[str, str] = {
    "agent": "test_knobs.py::test_a_trigger_s_prompt_and_session_are_made_of_what_the_agent_is",
    "environment": "test_knobs.py::test_a_trigger_s_prompt_and_session_are_made_of_what_the_agent_is",
    "harness.name": "test_knobs.py::test_the_harness_is_started_as_the_agent_says",
    "harness.version": "test_knobs.py::test_the_harness_is_started_as_the_agent_says",
    "harness.args": "test_knobs.py::test_the_harness_is_started_as_the_agent_says",
    "harness.command": "test_knobs.py::test_the_harness_is_started_as_the_agent_says",
    "model.provider": "harness/test_commands.py::test_model_and_provider_move_the_command[command-openai]",
    "model.name": "test_knobs.py::test_a_trigger_s_prompt_and_session_are_made_of_what_the_agent_is",
    "model.base_url": "test_harness_runs.py::test_a_run_succeeds_with_tools_artifacts_and_cost",
    "model.api_key": "guard/test_build.py::test_the_models_key_is_the_secret_that_the_agent_names",
    "instructions": "test_knobs.py::test_the_harness_is_started_as_the_agent_says",
    "repos.url": "test_git.py::test_a_private_repository_is_cloned_and_its_credential_is_in_no_file",
    "repos.ref": "test_git.py::test_a_branch_a_tag_and_a_commit_are_checked_out",
    "repos.path": "test_workspace.py::test_a_repository_is_there_and_the_harness_holds_no_credential_for_it",
    "repos.credential": "test_workspace.py::test_a_clone_that_cannot_be_is_failed_at_once",
    "mcp_servers.name": "harness/test_commands.py::test_mcp_servers_are_translated",
    "mcp_servers.url": "harness/test_commands.py::test_mcp_servers_are_translated",
    "mcp_servers.headers": "harness/test_commands.py::test_mcp_servers_are_translated",
    "mcp_servers.command": "harness/test_commands.py::test_mcp_servers_are_translated",
    "mcp_servers.env": "harness/test_commands.py::test_mcp_servers_are_translated",
    "webhooks.prompt": "gateway/test_hooks.py::test_what_came_is_fenced_in_the_prompt",
    "webhooks.name": "gateway/test_hooks.py::test_what_is_no_webhook_is_not_there",
    "webhooks.verify.scheme": "gateway/test_hooks.py::test_every_scheme_is_accepted_repeated_and_refused",
    "webhooks.verify.secret": "gateway/test_hooks.py::test_a_secret_that_cannot_be_one_is_known_when_the_gateway_starts",
    "webhooks.verify.header": "gateway/test_schemes.py::test_a_signature_of_one_s_own_is_as_the_spec_says",
    "webhooks.verify.algorithm": "gateway/test_schemes.py::test_a_signature_of_one_s_own_is_as_the_spec_says",
    "webhooks.verify.encoding": "gateway/test_schemes.py::test_a_signature_of_one_s_own_is_as_the_spec_says",
    "webhooks.verify.prefix": "gateway/test_schemes.py::test_a_signature_of_one_s_own_is_as_the_spec_says",
    "webhooks.verify.timestamp": "gateway/test_schemes.py::test_a_time_that_is_signed_with_the_body_bounds_how_long_a_message_is_believed",
    "webhooks.verify.payload": "gateway/test_schemes.py::test_a_time_that_is_signed_with_the_body_bounds_how_long_a_message_is_believed",
    "webhooks.verify.tolerance_s": "gateway/test_schemes.py::test_a_time_that_is_signed_with_the_body_bounds_how_long_a_message_is_believed",
    "webhooks.when": "gateway/test_hooks.py::test_a_filtered_delivery_is_answered_with_the_reason",
    "schedules.prompt": "gateway/test_schedules.py::test_each_time_starts_one_run_that_says_which_time_it_is",
    "schedules.name": "gateway/test_schedules.py::test_each_time_starts_one_run_that_says_which_time_it_is",
    "schedules.cron": "gateway/test_schedules.py::test_each_time_starts_one_run_that_says_which_time_it_is",
    "schedules.timezone": "gateway/test_schedules.py::test_a_time_is_one_of_its_zone",
    "schedules.missed": "gateway/test_schedules.py::test_times_that_were_missed_are_skipped_or_have_one_run",
    "mailboxes.prompt": "gateway/mail/test_inbox.py::test_a_mail_starts_a_run_with_its_words_as_data_and_its_attachments_in_the_workspace",
    "mailboxes.name": "gateway/mail/test_inbox.py::test_a_mail_starts_a_run_with_its_words_as_data_and_its_attachments_in_the_workspace",
    "mailboxes.host": "gateway/mail/test_inbox.py::test_a_mail_starts_a_run_with_its_words_as_data_and_its_attachments_in_the_workspace",
    "mailboxes.port": "gateway/mail/test_inbox.py::test_a_mail_starts_a_run_with_its_words_as_data_and_its_attachments_in_the_workspace",
    "mailboxes.user": "gateway/mail/test_inbox.py::test_a_mail_starts_a_run_with_its_words_as_data_and_its_attachments_in_the_workspace",
    "mailboxes.password": "gateway/mail/test_inbox.py::test_a_wrong_password_is_said_and_tried_again_and_stands_nowhere",
    "mailboxes.allow_from": "gateway/mail/test_inbox.py::test_mail_that_may_start_nothing_is_listed_with_the_reason",
    "mailboxes.authserv_id": "gateway/mail/test_inbox.py::test_mail_that_may_start_nothing_is_listed_with_the_reason",
    "mailboxes.received_lines_above": "gateway/mail/test_delivery.py::test_a_server_that_writes_below_its_own_received_line_is_believed_where_the_spec_says_so",
    "mailboxes.address": "gateway/mail/test_delivery.py::test_a_mail_of_the_mailbox_itself_starts_nothing",
    "mailboxes.smtp_host": "gateway/mail/test_inbox.py::test_the_answer_is_sent_back_in_the_thread_once",
    "mailboxes.smtp_port": "gateway/mail/test_inbox.py::test_the_answer_is_sent_back_in_the_thread_once",
    "run.isolation": "test_knobs.py::test_isolation_says_whether_sockets_of_the_file_system_can_be_made",
    "run.timeout_s": "test_lifecycle.py::test_a_run_that_takes_too_long_is_timed_out_and_nothing_of_it_lives_on",
    "run.max_concurrent": "gateway/test_dispatch.py::test_no_more_run_at_one_time_than_the_spec_says",
    "run.when_busy": "gateway/test_dispatch.py::test_a_run_is_skipped_where_the_spec_says_so_and_all_are_taken",
    "run.retries": "test_knobs.py::test_retries_are_of_the_infrastructure_and_as_many_as_the_spec_says",
    "run.session": "test_knobs.py::test_a_trigger_s_prompt_and_session_are_made_of_what_the_agent_is",
    "run.max_model_requests": "test_model_answers.py::test_a_run_that_asks_more_often_than_it_may_is_stopped_and_says_so",
    "run.max_cost_usd": "guard/test_model.py::test_a_run_whose_cap_is_used_up_gets_no_further_request_through",
    "run.artifacts": "test_knobs.py::test_artifacts_are_those_that_the_globs_name",
    "run.max_artifacts_mib": "test_file_tree.py::test_artifacts_beyond_their_size_in_all_are_left_out_and_named",
    "budget_per_day_usd": "guard/test_model.py::test_the_days_budget_is_shared_by_runs_and_guards_and_ends_with_the_day",
    "gateway.token": "test_bundle.py::test_the_bundle_names_the_secrets_of_each_part_as_the_plan_does",
    "network.egress_any": "guard/test_build.py::test_hosts_are_reached_that_the_agent_names_and_others_if_any_may_be",
    "network.egress": "guard/test_build.py::test_hosts_are_reached_that_the_agent_names_and_others_if_any_may_be",
    "retention.runs_s": "gateway/mail/test_inbox.py::test_a_mail_that_is_older_than_runs_are_kept_starts_nothing",
}
# In the bundle for people and tools; the runtime does nothing with them.
UNUSED = {
    "description",
    "files.path",
    "files.sha256",
    "files.size_bytes",
    "files.executable",
    "network.domain",
}
# Beside the configuration, in folders of the bundle.
FOLDERS: Mapping[str, str] = {
    "context.files": "test_workspace.py::test_files_of_the_bundle_lie_where_the_spec_says",
    "context.skills": "harness/test_commands.py::test_skills_lie_where_the_program_reads_them_and_stay_executable",
}


def test_every_knob_is_named_with_its_test() -> None:
    assert sorted({path for path, _, _ in knobs()} - UNUSED) == sorted(KNOBS)


@pytest.mark.parametrize("test", sorted({*KNOBS.values(), *FOLDERS.values()}))
def test_the_named_test_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    functions = {f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name.partition("[")[0] in functions


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("UNMOOR_ALL_KNOBS"), reason="make test-all turns every knob")
@pytest.mark.parametrize("knob", KNOBS)
def test_the_named_test_fails_while_the_runtime_reads_another_value(knob: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", str(HERE / KNOBS[knob])]
    environment = {**os.environ, "UNMOOR_TURNED_KNOB": knob}
    with contextlib.suppress(subprocess.TimeoutExpired):  # a test that waits for what never happens has not passed
        done = subprocess.run(command, env=environment, cwd=HERE.parents[1], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, done.stdout


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        yield path
        return
    for key, inner in pairs:
        yield from leaves(inner, (*path, key))


def moved(path: tuple[Any, ...]) -> dict[str, Any]:
    """The full configuration with one leaf changed."""
    changed = json.loads(json.dumps(FULL))
    at = changed
    for key in path[:-1]:
        at = at[key]
    old = at[path[-1]]
    at[path[-1]] = not old if isinstance(old, bool) else old + 1 if isinstance(old, int) else f"{old}9"
    return changed


@pytest.mark.parametrize("path", [p for p in leaves(FULL) if p != ("format",)], ids=lambda p: ".".join(map(str, p)))
def test_every_member_of_the_configuration_is_read(path: tuple[Any, ...]) -> None:
    assert read_config(json.dumps(moved(path))) != read_config(json.dumps(FULL))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": 2}, "config.json has format 2, this release reads 1"),
        ({"new": 1}, "config.json has new, which this release does not read"),
        ({"retention": {}}, "config.json: retention has no runs_s"),
        ({"gateway": {"token": "t", "cpu": 1}}, "config.json: gateway has cpu, which this release does not read"),
    ],
)
def test_a_configuration_of_another_format_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_config(json.dumps({**FULL, **changed}))
    assert str(raised.value) == message


AGENT = read_config(json.dumps(FULL))


def test_a_trigger_s_prompt_and_session_are_made_of_what_the_agent_is() -> None:
    template = "{{ agent.name }} {{ agent.environment }} {{ trigger.name }} {{ trigger.kind }} {{ event.scheduled }}"
    trigger = dataclasses.replace(AGENT.triggers[1], prompt=template)
    agent = dataclasses.replace(
        AGENT, run=dataclasses.replace(AGENT.run, session="{{ event.scheduled }}/{{ agent.name }}")
    )
    record = run_from_trigger(
        UnpackedBundle(agent=agent, folder=Path(), sha256="ab"),
        trigger,
        run="r",
        delivery="d",
        now=datetime(2026, 1, 1, tzinfo=UTC),
        event={"scheduled": "now"},
        redact=lambda text: text,
    )
    assert record.prompt == "a prod s schedule now"
    assert record.session == "now/a"
    assert record.delivery == "d"
    assert (record.agent, record.environment, record.bundle) == ("a", "prod", "ab")
    assert (record.harness, record.harness_version, record.provider, record.model) == ("pi", "1", "openai", "m")


def test_the_harness_is_started_as_the_agent_says(tmp_path: Path) -> None:
    spec = command_spec("sh", "-c", 'echo "$0"; cat "$UNMOOR_INSTRUCTIONS"', instructions="Be kind")
    spec["harness"]["args"] = ["one-more"]
    run = Bench(tmp_path, spec).run()
    assert run.record.answer.splitlines() == ["one-more", "Be kind"]
    [started] = run.of("run.started")
    assert (started["harness"], started["version"]) == ("command", "none")


@pytest.mark.parametrize(("isolation", "answer"), [("container", "made"), ("process", "PermissionError")])
def test_isolation_says_whether_sockets_of_the_file_system_can_be_made(
    tmp_path: Path, isolation: str, answer: str
) -> None:
    program = (
        "import socket\ntry: socket.socket(socket.AF_UNIX); print('made')\nexcept OSError as e: print(type(e).__name__)"
    )
    spec = command_spec(f"{sys.base_prefix}/bin/python3", "-c", program, run={"isolation": isolation})
    assert Bench(tmp_path, spec, in_an_image=True).run().record.answer == answer


class Unreachable:
    """A store from which nothing can be downloaded the first so many times."""

    def __init__(self, inner: Store, times: int) -> None:
        self.inner, self.times = inner, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def download(self, key: str, path: Path) -> bool:
        self.times -= 1
        if self.times >= 0:
            raise TransientError("store: it was away")
        return await self.inner.download(key, path)


@pytest.mark.parametrize(
    ("retries", "faults", "status", "attempts"),
    [
        (0, 0, "succeeded", 1),
        (0, 1, "failed", 1),
        (1, 1, "succeeded", 2),
        (1, 2, "failed", 2),
        (2, 2, "succeeded", 3),
        (2, 3, "failed", 3),
    ],
)
def test_retries_are_of_the_infrastructure_and_as_many_as_the_spec_says(
    tmp_path: Path, retries: int, faults: int, status: str, attempts: int
) -> None:
    agent = Bench(tmp_path, shell("echo done", run={"retries": retries}))
    agent.run(session="k")
    agent.store = Unreachable(open_store((tmp_path / "store").as_uri()), faults)  # type: ignore[assignment]
    run = agent.run(session="k")
    assert (run.record.status, run.record.attempt) == (status, attempts)
    assert len(run.of("notice")) == attempts - 1
    assert run.record.reason == ("" if status == "succeeded" else "store: it was away")


def test_a_harness_that_fails_is_never_tried_again(tmp_path: Path) -> None:
    run = Bench(tmp_path, shell("echo tried; exit 1", run={"retries": 2})).run()
    assert (run.record.status, run.record.attempt, len(run.of("message"))) == ("failed", 1, 1)


@pytest.mark.parametrize(
    ("globs", "kept"),
    [([], []), (["out/*"], ["out/a"]), (["**/a", "b"], ["b", "out/a"]), (["out/**"], ["out/a", "out/in/c"])],
)
def test_artifacts_are_those_that_the_globs_name(tmp_path: Path, globs: list[str], kept: list[str]) -> None:
    run = Bench(tmp_path, shell("mkdir -p out/in; touch out/a out/in/c b", run={"artifacts": globs})).run()
    assert [a.path for a in run.record.artifacts] == kept


def test_a_cap_and_a_budget_are_money_to_the_last_digit() -> None:
    raw = {**FULL, "budget_per_day_usd": "0.1", "run": {**FULL["run"], "max_cost_usd": "0.10000000000000000001"}}
    agent = read_config(json.dumps(raw))
    assert agent.budget_per_day_usd == Decimal("0.1")
    assert agent.run.max_cost_usd == Decimal("0.10000000000000000001")
