"""Every knob that the runtime has, and the test that fails where it is ignored.

The knobs are the fields of the runtime's own configuration: a field that is added without a test fails here.
"""

from __future__ import annotations

import ast
import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from runs import Bench, shell

from unmoor.runtime import config
from unmoor.runtime.config import AgentConfig, read_config
from unmoor.runtime.errors import ConfigurationError, TransientError
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.new_run import run_from_trigger
from unmoor.runtime.store import Store, open_store

HERE = Path(__file__).parent

KNOBS: Mapping[str, str] = {
    "agent": "test_knobs.py::test_a_trigger_s_prompt_and_session_are_made_of_what_the_agent_is",
    "environment": "test_knobs.py::test_a_trigger_s_prompt_and_session_are_made_of_what_the_agent_is",
    "harness.name": "harness/test_commands.py::test_the_harnesses_are_those_that_the_language_knows",
    "harness.version": "test_dev.py::test_a_harness_that_is_not_installed_is_named_with_what_to_do",
    "harness.args": "harness/test_commands.py::test_more_arguments_come_where_the_program_takes_them",
    "harness.command": "harness/test_commands.py::test_a_command_of_one_s_own_is_told_everything_by_variables",
    "model.provider": "harness/test_commands.py::test_model_and_provider_move_the_command",
    "model.name": "harness/test_commands.py::test_model_and_provider_move_the_command",
    "model.base_url": "test_harness_runs.py::test_a_run_succeeds_with_tools_artifacts_and_cost",
    "model.api_key": "guard/test_model.py::test_the_providers_key_goes_out_and_the_token_does_not",
    "instructions": "harness/test_commands.py::test_instructions_lie_where_the_program_reads_its_own",
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
    "schedules.prompt": "test_agent_run.py::test_a_firing_that_is_delivered_twice_has_one_run",
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
    "mailboxes.address": "gateway/mail/test_came.py::test_a_mail_of_the_mailbox_itself_starts_nothing",
    "mailboxes.smtp_host": "gateway/mail/test_inbox.py::test_the_answer_is_sent_back_in_the_thread_once",
    "mailboxes.smtp_port": "gateway/mail/test_inbox.py::test_the_answer_is_sent_back_in_the_thread_once",
    "run.isolation": "test_agent_run.py::test_isolation_says_whether_sockets_of_the_file_system_can_be_made",
    "run.timeout_s": "test_life.py::test_a_run_that_takes_too_long_is_timed_out_and_nothing_of_it_lives_on",
    "run.max_concurrent": "gateway/test_dispatch.py::test_no_more_run_at_one_time_than_the_spec_says",
    "run.when_busy": "gateway/test_dispatch.py::test_a_run_is_skipped_where_the_spec_says_so_and_all_are_taken",
    "run.retries": "test_knobs.py::test_retries_are_of_the_infrastructure_and_as_many_as_the_spec_says",
    "run.session": "test_knobs.py::test_a_trigger_s_prompt_and_session_are_made_of_what_the_agent_is",
    "run.max_cost_usd": "guard/test_model.py::test_a_run_whose_cap_is_used_up_gets_no_further_request_through",
    "run.artifacts": "test_knobs.py::test_artifacts_are_those_that_the_globs_name",
    "budget_per_day_usd": "guard/test_model.py::test_the_days_budget_is_shared_by_runs_and_guards_and_ends_with_the_day",
    "gateway.token": "gateway/test_serve.py::test_a_container_serves_its_agent_and_ends_on_sigterm",
    "network.egress_any": "guard/test_connect.py::test_any_lets_every_public_host_through",
    "network.egress": "guard/test_connect.py::test_an_allowed_host_is_reached_and_its_bytes_pass",
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


def fields(of: type, path: str = "") -> Iterator[str]:
    """The paths of all leaves of a dataclass and of those that it is made of."""
    for field in dataclasses.fields(of):
        inner = [name for name in vars(config) if isinstance(field.type, str) and name in field.type.split(" | ")[0]]
        nested = [vars(config)[n] for n in inner if dataclasses.is_dataclass(vars(config)[n])]
        yield from fields(nested[0], f"{path}{field.name}.") if nested else [f"{path}{field.name}"]


def test_every_knob_is_named_with_its_test() -> None:
    assert sorted({*fields(AgentConfig)} - UNUSED) == sorted(KNOBS)


@pytest.mark.parametrize("test", sorted({*KNOBS.values(), *FOLDERS.values()}))
def test_the_named_test_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    assert name in {f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)}


FULL: dict[str, Any] = {
    "format": 1,
    "agent": "a",
    "environment": "prod",
    "harness": {"name": "pi", "version": "1", "args": ["-x"], "command": ["c"]},
    "model": {"provider": "openai", "name": "m", "base_url": "https://m", "api_key": "k"},
    "description": "what it is for",
    "instructions": "do",
    "repos": [{"url": "https://r", "ref": "main", "path": "r", "credential": "t"}],
    "mcp_servers": [{"name": "s", "url": "https://s", "headers": [["H", "v"]], "command": ["c"], "env": [["E", "v"]]}],
    "files": [{"path": "files/f", "sha256": "ab", "size_bytes": 1, "executable": False}],
    "webhooks": [
        {
            "name": "w",
            "prompt": "p",
            "verify": {
                "scheme": "hmac",
                "secret": "s",
                "header": "X",
                "algorithm": "sha1",
                "encoding": "hex",
                "prefix": "p",
                "timestamp": "T",
                "payload": "{body}",
                "tolerance_s": 1,
            },
            "when": [["body.a", ["b", 1, True]]],
        }
    ],
    "schedules": [{"name": "s", "prompt": "p", "cron": "* * * * *", "timezone": "UTC", "missed": "skip"}],
    "mailboxes": [
        {
            "name": "e",
            "prompt": "p",
            "host": "h",
            "port": 1,
            "user": "u",
            "password": "s",
            "allow_from": ["a@b"],
            "authserv_id": "i",
            "address": "m@b",
            "smtp_host": "o",
            "smtp_port": 2,
        }
    ],
    "run": {
        "isolation": "container",
        "timeout_s": 1,
        "max_concurrent": 2,
        "when_busy": "skip",
        "retries": 3,
        "session": "k",
        "max_cost_usd": "1",
        "artifacts": ["a"],
    },
    "budget_per_day_usd": "2",
    "gateway": {"token": "gateway-token"},
    "network": {"egress_any": True, "egress": ["h"], "domain": "a.example.com"},
    "retention": {"runs_s": 5},
}


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
