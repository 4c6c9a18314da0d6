"""The language's rules that span fields and files, each word for word."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from unmoor.errors import SpecError
from unmoor.spec.load import load
from unmoor.target.choose import unknown_targets

COMMAND = "harness: {name: command, command: [cat]}\n"
CLAUDE = (
    "harness: {name: claude-code}\nmodel: {provider: anthropic, name: m, api_key: key}\nsecrets: {key: {env: KEY}}\n"
)
HOOK = "triggers: [{name: one, prompt: '%s', webhook: {verify: %s}}]\n"
SERVER = CLAUDE + "tools: {mcp_servers: {x: {%s}}}\n"


def problems(folder: Path, text: str) -> list[str]:
    """Every problem without its place."""
    file = folder / "unmoor.yaml"
    file.write_text(f"version: 1\nname: agent\n{text}")
    with pytest.raises(SpecError) as caught:
        load(file)
    return [f"{p.path}: {p.rule}; {p.remedy}" for p in caught.value.problems]


RULES = [
    (
        "harness: {name: command}\n",
        "harness.command: harness command needs a program; write command: [./agent, --flag]",
    ),
    (
        CLAUDE.replace("claude-code", "claude-code, command: [x]"),
        "harness.command: command belongs to harness command, not claude-code; remove it or use args",
    ),
    (
        COMMAND.replace("command,", "command, version: 1.2,").replace("1.2", "'1.2'"),
        "harness.version: harness command takes no version; remove it; the image decides",
    ),
    (
        CLAUDE.replace("claude-code", "claude-code, version: latest"),
        "harness.version: 'latest' is not an exact version; write one such as 2.1.330",
    ),
    (
        CLAUDE.replace("claude-code", "goose") + "resources: {arch: arm64}\n",
        "resources.arch: harness goose is not published for arm64; write amd64, or set image to one that contains it",
    ),
    (
        "harness: {name: codex}\n",
        "model: harness codex needs a model; add model: {provider, name, api_key}",
    ),
    (
        CLAUDE.replace("claude-code", "codex").replace("anthropic", "openai-compatible"),
        "model.base_url: openai-compatible has no default URL; add base_url",
    ),
    (
        CLAUDE.replace("name: m", "name: m, base_url: 'http://x.example.com'"),
        "model.base_url: the API key would be sent without TLS; write https://",
    ),
    (
        CLAUDE.replace("claude-code", "gemini")
        .replace("anthropic", "google")
        .replace("name: m", "name: gemini-3.5-flash"),
        "model.name: Gemini CLI replaces gemini-3.5-flash by gemini-3.8-flash; write gemini-3.8-flash, or use another harness",
    ),
    (
        "context: {skills: [{source: s}]}\n" + COMMAND,
        "context.skills: harness command does not support skills; add them to context.files and name them in the instructions",
    ),
    (
        COMMAND + "secrets: {gateway-token: {env: X}}\n",
        "secrets.gateway-token: the generated token uses this name; set gateway: {token: gateway-token} to use this secret as the token, or rename it",
    ),
    (
        COMMAND + "gateway: {token: run-token-key}\nsecrets: {run-token-key: {env: X}}\n",
        "secrets.run-token-key: runs and the guard hold a generated secret of this name; rename it",
    ),
    (
        COMMAND + HOOK % ("${secret:key}", "none"),
        "triggers[0].prompt: a secret is not allowed here; only MCP headers and env take ${secret:name}",
    ),
    (
        SERVER % "url: 'https://x.example.com', headers: {A: '${secret:}'}",
        "tools.mcp_servers.x.headers.A: '${secret:}' is not a secret name; write ${secret:name}",
    ),
    (SERVER % "", "tools.mcp_servers.x: a server has either url or command; give exactly one"),
    (
        SERVER % "url: 'https://x.example.com', env: {A: b}",
        "tools.mcp_servers.x: env belongs to a server with command; use headers with url",
    ),
    (
        SERVER % "command: [x], headers: {A: b}",
        "tools.mcp_servers.x: headers belong to a server with url; use env with command",
    ),
    (
        COMMAND + "triggers: [{name: one, prompt: p, schedule: {cron: '0 0 * * *', timezone: Nowhere}}]\n",
        "triggers[0].schedule.timezone: unknown time zone 'Nowhere'; write an IANA name such as Europe/Paris",
    ),
    (
        COMMAND + "context: {files: [{source: unmoor.yaml, path: /x}]}\n",
        "context.files[0].path: '/x' is outside the workspace; write a path inside it",
    ),
    (
        COMMAND + "context: {files: [{source: unmoor.yaml, path: a}, {source: unmoor.yaml, path: ./a}]}\n",
        "context.files[1].path: './a' is used by another entry of context; give it another path",
    ),
    (
        COMMAND + HOOK % ("p", "{scheme: hmac, secret: s}"),
        "triggers[0].webhook.verify: scheme hmac needs the name of the signature's header; add header",
    ),
    (
        COMMAND + HOOK % ("p", "{scheme: github, secret: s, header: X, prefix: y}"),
        "triggers[0].webhook.verify: header, prefix belongs to scheme hmac; remove it or change the scheme",
    ),
    (
        COMMAND + HOOK % ("p", "{scheme: bearer, secret: s, timestamp: {header: X}}"),
        "triggers[0].webhook.verify: timestamp belongs to scheme hmac; remove it or change the scheme",
    ),
    (
        COMMAND + HOOK % ("p", '{scheme: hmac, secret: s, header: X, timestamp: {header: T, payload: "t.{body}"}}'),
        "triggers[0].webhook.verify.timestamp: payload needs {timestamp}, and {body} once; write for example {timestamp}.{body}",
    ),
    (
        COMMAND + HOOK % ("p", '{scheme: hmac, secret: s, header: X, timestamp: {header: T, payload: "{when}{body}"}}'),
        "triggers[0].webhook.verify.timestamp.payload: '{when}{body}' has the wrong format; write the signed text with {timestamp} and {body}, such as {timestamp}.{body}",
    ),
    (
        COMMAND + "triggers: [{name: one, prompt: p, webhook: {}}]\n",
        "triggers[0].webhook.verify: is required and missing; add it",
    ),
    (
        COMMAND + "triggers: [{name: one, prompt: p}]\n",
        "triggers[0]: a trigger is one of webhook, schedule, email; give exactly one",
    ),
    (
        COMMAND + "secrets: {a: {env: A, config: a}}\n",
        "secrets.a: a secret is read from one of env, config, file, existing; give exactly one",
    ),
    (
        COMMAND + HOOK % ("{% if x %}", "none"),
        "triggers[0].prompt: templates have no statements or comments; insert values with {{ event.… }} and write the rest as text",
    ),
    (
        COMMAND + "resources: {memory: 1.0001Gi}\n",
        "resources.memory: '1.0001Gi' is not a size; write a number and Mi, Gi or Ti, such as 2Gi",
    ),
    (
        COMMAND + "resources: {memory: 1000.5Mi}\n",
        "resources.memory: '1000.5Mi' is not a whole number of Mi; write it in Mi, such as 1536Mi",
    ),
    (COMMAND + "? [a]\n: b\n", "spec: a key is a list or a mapping; write a plain key"),
    (COMMAND + "run: {<<: 5}\n", "run: << merges a value that is not a mapping; merge a mapping"),
]


@pytest.mark.parametrize(("text", "expected"), RULES, ids=[expected[:50] for _, expected in RULES])
def test_a_rule_that_is_broken_is_said_word_for_word(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problems(tmp_path, text)


def make_folder(folder: Path) -> None:
    (folder / "thing").mkdir()


def make_latin(folder: Path) -> None:
    (folder / "thing").write_bytes(b"\xff")


def make_loop(folder: Path) -> None:
    (folder / "thing").mkdir()
    (folder / "thing" / "loop").symlink_to("..")


def make_pipe(folder: Path) -> None:
    os.mkfifo(folder / "thing")


def make_many(folder: Path) -> None:
    (folder / "thing").mkdir()
    for n in range(11):
        with (folder / "thing" / f"{n}").open("wb") as file:
            file.truncate(20 * 1024 * 1024)


FILES: list[tuple[Callable[[Path], None], str, str]] = [
    (make_folder, "instructions: {file: thing}", "instructions.file: thing is a folder; name a file"),
    (make_latin, "instructions: {file: thing}", "instructions.file: thing is not UTF-8; save it as UTF-8"),
    (
        make_folder,
        "context: {skills: [{source: thing}]}",
        "context.skills[0].source: thing has no SKILL.md; name a folder with a SKILL.md",
    ),
    (
        make_folder,
        "image: {build: ./thing}",
        "image.build: ./thing has no Dockerfile; name a folder with a Dockerfile",
    ),
    (
        make_loop,
        "context: {files: [{source: thing}]}",
        "context.files[0].source: thing/loop is a symlink to a folder above it; remove it",
    ),
    (
        make_pipe,
        "context: {files: [{source: thing}]}",
        "context.files[0].source: thing is not a regular file; remove it or list the files one by one",
    ),
    (
        make_many,
        "context: {files: [{source: thing}]}",
        "context: 230686720 bytes of files are over the bundle's 200 MiB; clone a repo instead",
    ),
    (
        make_latin,
        "context: {files: [{source: thing, path: a/b}, {source: thing, path: a//b}]}",
        "context: two sources have the path files/a/b; change the path of one",
    ),
]


@pytest.mark.parametrize(("make", "line", "expected"), FILES, ids=[expected[:50] for _, _, expected in FILES])
def test_a_file_that_cannot_be_taken_is_said_word_for_word(
    tmp_path: Path, make: Callable[[Path], None], line: str, expected: str
) -> None:
    make(tmp_path)
    assert expected in problems(tmp_path, f"{COMMAND}{line}\n")


def test_settings_of_a_target_that_is_not_installed_are_refused(tmp_path: Path) -> None:
    (tmp_path / "unmoor.yaml").write_text(f"version: 1\nname: agent\n{COMMAND}targets: {{aws: {{}}}}\n")
    [problem] = unknown_targets(load(tmp_path))
    assert str(problem) == (
        f"{tmp_path}/unmoor.yaml:4:11: targets.aws: no installed distribution offers this target; install it, correct it "
        "or remove it; installed targets: aws-ecs, azure-container-apps, gcp-cloud-run, vm-docker"
    )
