"""What a wrong spec is answered with: one line for each problem, with its place, the rule, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmoor.errors import SpecError
from unmoor.spec.load import load

BASE = "version: 1\nname: agent\nharness: {name: command, command: [cat]}\n"
MODEL = "model: {provider: anthropic, name: m, api_key: key}\nsecrets: {key: {env: KEY}}\n"
CLAUDE = "version: 1\nname: agent\nharness: {name: claude-code}\n" + MODEL


def problems(folder: Path, text: str | bytes, environment: str | None = None) -> list[str]:
    file = folder / "unmoor.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SpecError) as caught:
        load(file, environment)
    assert caught.value.exit_code == 2
    return [line.replace(f"{folder}/", "") for line in str(caught.value).splitlines()]


LINES = [
    ("runn: {}", "4:1: runn: unknown key 'runn'; did you mean run?"),
    ("run: {timeuot: 5m}", "4:7: run.timeuot: unknown key 'timeuot'; did you mean timeout?"),
    (
        "run: {timeout: 5 minutes}",
        "4:7: run.timeout: '5 minutes' is not a duration; write a whole number and s, m, h or d, such as 30m",
    ),
    ("run: {timeout: 5}", "4:7: run.timeout: 5 is not allowed here; it must be a valid string"),
    (
        "run: {max_concurrent: 0}",
        "4:7: run.max_concurrent: 0 is not allowed here; it must be greater than or equal to 1",
    ),
    ("run: {max_concurrent: '4'}", "4:7: run.max_concurrent: '4' is not allowed here; it must be a valid integer"),
    ("run: {isolation: vm}", "4:7: run.isolation: 'vm' is not allowed; write container or process"),
    (
        "run: {session: '{{ evnt.x }}'}",
        "4:7: run.session: unknown root 'evnt' in a template; did you mean event? known roots: event, trigger, agent",
    ),
    ("run: {session: '{{ event.x'}", "4:7: run.session: {{ is not closed; close it with }}"),
    (
        "run: {session: '{{ event.x | upper }}'}",
        "4:7: run.session: {{ event.x | upper }} is not a valid reference; write {{ event.some.path }}; templates have no filters or calls",
    ),
    ("run: {artifacts: [../x]}", "4:19: run.artifacts[0]: '../x' is outside the workspace; write a glob inside it"),
    (
        "run: {max_cost_usd: 2}",
        "4:7: run.max_cost_usd: a spending limit needs a model; add a model or remove the limit",
    ),
    (
        "run: {max_model_requests: 2}",
        "4:7: run.max_model_requests: a limit of model requests needs a model; add a model or remove the limit",
    ),
    (
        "run: {max_model_requests: 0}",
        "4:7: run.max_model_requests: 0 is not allowed here; it must be greater than or equal to 1",
    ),
    (
        "resources: {memory: 2G}",
        "4:13: resources.memory: '2G' is not a size; write a number and Mi, Gi or Ti, such as 2Gi",
    ),
    ("resources: {memory: 1Mi}", "4:13: resources.memory: 1Mi is too small to start; write 128Mi or more"),
    ("resources: {cpu: 0}", "4:13: resources.cpu: 0 is not allowed here; it must be greater than 0"),
    ("resources: {cpu: true}", "4:13: resources.cpu: must be a number; correct it"),
    ("gateway: {min: 3, max: 2}", "4:11: gateway.min: min 3 is above max 2; lower min or raise max"),
    (
        "network: {egress: ['http://x']}",
        "4:20: network.egress[0]: 'http://x' has the wrong format; write a host name such as api.example.com, or *.example.com",
    ),
    ("secrets: {a: {env: A}}", "4:11: secrets.a: secret a is declared but not used; use it or remove it"),
    ("instructions: {file: no.md}", "4:16: instructions.file: no.md does not exist; create it or correct the path"),
    (
        "instructions: {file: ../x.md}",
        "4:16: instructions.file: '../x.md' is outside the spec's folder; move it into the folder",
    ),
    (
        "context: {files: [{source: no}]}",
        "4:20: context.files[0].source: no does not exist; create it or correct the path",
    ),
    (
        "tools: {mcp_servers: {x: {url: 'https://x.example.com'}}}",
        "4:9: tools.mcp_servers: harness command does not support MCP; remove the servers or use claude-code, codex, opencode, gemini or goose",
    ),
    ("image: {bild: x}", "4:9: image.bild: unknown key 'bild'; did you mean build?"),
    (
        "environments: {prod: {name: other}}",
        "4:23: environments.prod.name: sets name; remove it: an environment cannot rename the agent; write a second spec",
    ),
    (
        "environments: {prod: {run: {timeout: x}}}",
        "4:29: run.timeout: 'x' is not a duration; write a whole number and s, m, h or d, such as 30m",
    ),
    ("run: {timeout: 5m}\nrun: {retries: 1}", "5:1: run: is given twice; remove one"),
    (
        "run: !!python/name:os.system {}",
        "4:6: run: the tag tag:yaml.org,2002:python/name:os.system is not part of a spec; write a plain value",
    ),
]


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[line for line, _ in LINES])
def test_a_problem_has_its_place_its_rule_and_what_to_do(tmp_path: Path, line: str, expected: str) -> None:
    assert f"unmoor.yaml:{expected}" in problems(tmp_path, f"{BASE}{line}\n")


TRIGGERS = [
    ("schedule: {cron: '61 * * * *'}", "6:16: triggers[0].schedule.cron: '61' is not a valid minute; write 0 to 59"),
    (
        "schedule: {cron: '* * * *'}",
        "6:16: triggers[0].schedule.cron: '* * * *' has 4 fields; write five: minute hour day-of-month month day-of-week",
    ),
    (
        "schedule: {cron: '0 0 31 2 *'}",
        "6:16: triggers[0].schedule.cron: '0 0 31 2 *' never fires; name a day that one of its months has",
    ),
    (
        "schedule: {cron: '0 0 * * 1', timezone: Europe/Pariss}",
        "6:35: triggers[0].schedule.timezone: unknown time zone 'Europe/Pariss'; did you mean Europe/Paris?",
    ),
    (
        "webhook: {verify: {scheme: github, secret: s}}",
        "1:1: secrets: secret s is used but not declared; add s: {env: S}",
    ),
    ("webhook: {}", "6:5: triggers[0].webhook.verify: is required and missing; add it"),
    (
        "webhook: {verify: none, when: {action: x}}",
        "6:36: triggers[0].webhook.when.action: 'action' is not part of a delivery; write header.NAME or body.PATH",
    ),
    (
        "email: {imap: i.example.com, user: u, password: p, allow_from: ['*']}",
        "6:69: triggers[0].email.allow_from[0]: '*' is not a sender; write an address, or *@example.com for a whole domain",
    ),
]


@pytest.mark.parametrize(("trigger", "expected"), TRIGGERS, ids=[t for t, _ in TRIGGERS])
def test_a_trigger_that_cannot_work_is_refused(tmp_path: Path, trigger: str, expected: str) -> None:
    text = f"{BASE}triggers:\n  - name: one\n    {trigger}\n    prompt: p\n"
    assert f"unmoor.yaml:{expected}" in problems(tmp_path, text)


def test_all_problems_are_shown_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = problems(tmp_path, f"{BASE}run: {{timeout: x, retries: 11}}\nresources: {{memory: y}}\n")
    assert [line.split(": ")[1] for line in found] == ["run.timeout", "run.retries", "resources.memory"]


def test_two_triggers_of_one_name_are_refused(tmp_path: Path) -> None:
    hook = "  - {name: a, webhook: {verify: none}, prompt: p}\n"
    found = problems(tmp_path, f"{BASE}triggers:\n{hook}{hook}")
    assert found == ["unmoor.yaml:6:6: triggers[1].name: 2 triggers are named a; rename one"]


def test_a_harness_that_cannot_speak_to_the_provider_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, CLAUDE.replace("anthropic", "openai"))
    assert found == [
        "unmoor.yaml:4:9: model.provider: harness claude-code does not support openai; use anthropic, or another harness"
    ]


WHOLE_FILES = [
    (b"- a\n", "1:1: spec: a spec is a mapping, but this is a list; start with version: 1"),
    (b"", "1:1: spec: the file is empty; write a spec or run unmoor init"),
    (b"a: 1\n\tb: 2\n", "2:1: spec: a tab indents the line; indent with spaces"),
    (b"a: \xff\n", "1:1: spec: the file is not UTF-8; save it as UTF-8"),
    (b"a: [1\n", "2:1: spec: not YAML: expected ',' or ']', but got '<stream end>'; correct the YAML there"),
    (b"a: 1\n---\nb: 1\n", "2:1: spec: not YAML: but found another document; correct the YAML there"),
]


@pytest.mark.parametrize(("content", "expected"), WHOLE_FILES)
def test_a_file_that_is_no_spec_gives_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    assert problems(tmp_path, content) == [f"unmoor.yaml:{expected}"]


def test_a_file_of_ten_megabytes_is_refused_unread(tmp_path: Path) -> None:
    [line] = problems(tmp_path, b"a" * 10_000_000)
    assert "10000000 bytes, over the 1024 KiB of a spec" in line


def test_aliases_that_explode_are_refused(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    [line] = problems(tmp_path, "\n".join(levels))
    assert "the aliases expand to over 20000 values; write them out" in line


def test_a_deep_nest_and_an_alias_to_itself_are_refused(tmp_path: Path) -> None:
    assert "nested too deeply" in problems(tmp_path, "{" * 5000)[0]
    assert "nested deeper than 50 levels" in problems(tmp_path, "a: &a\n  b: *a\n")[0]


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"unmoor.yaml: spec: the file does not exist; name a spec or run unmoor init"):
        load(tmp_path)


def test_an_undeclared_environment_is_refused_with_the_nearest(tmp_path: Path) -> None:
    [line] = problems(tmp_path, f"{BASE}environments: {{prod: {{}}}}\n", "prd")
    assert line.endswith("environment prd is not declared; did you mean prod? else add environments: {prd: {}}")


def test_anchors_and_merge_keys_are_fine(tmp_path: Path) -> None:
    text = BASE + "resources: &size {cpu: 1}\ngateway: {<<: *size, min: 1}\n"
    (tmp_path / "unmoor.yaml").write_text(text)
    assert load(tmp_path).plan.gateway.cpu == 1


def test_an_environment_is_merged_deep_and_lists_are_replaced(tmp_path: Path) -> None:
    text = BASE + "run: {timeout: 5m, artifacts: [a, b]}\nenvironments: {prod: {run: {artifacts: [c]}}}\n"
    (tmp_path / "unmoor.yaml").write_text(text)
    run = load(tmp_path, "prod").plan.run
    assert (run.timeout_s, run.artifacts) == (300, ("c",))


def test_a_symlink_that_leaves_the_folder_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "out").symlink_to("/etc/hostname")
    [line] = problems(tmp_path, f"{BASE}context: {{files: [{{source: docs}}]}}\n")
    assert "docs/out is a symlink out of the folder; copy its target" in line


def test_a_file_over_the_limit_is_refused_with_its_path(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(21 * 1024 * 1024)
    [line] = problems(tmp_path, f"{BASE}context: {{files: [{{source: big}}]}}\n")
    assert "big has 22020096 bytes, over the 20 MiB of one file" in line
