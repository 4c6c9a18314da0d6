"""How each harness is started: a value, so nothing is started here."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from jobs import HTTP, NEW_SESSION, OLD_SESSION, PROXY, SKILL, STDIO, TOKEN, job, of_model

from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.harness import adapter, names
from unmoor.runtime.harness.protocol import Command
from unmoor.runtime.harness.versions import HARNESS_VERSIONS
from unmoor.spec.harness_support import HARNESS_PROVIDERS, WITHOUT_MCP, WITHOUT_SKILLS

HARNESSES = names()
WITH_MCP = [n for n in HARNESSES if n not in WITHOUT_MCP]
WITH_SKILLS = [n for n in HARNESSES if n not in WITHOUT_SKILLS]
EVERY_PROVIDER = [(n, p) for n in HARNESSES for p in HARNESS_PROVIDERS[n]]


def command(harness: str, **changes: Any) -> Command:
    return adapter(harness).command(job(harness, **changes))


def placed(made: Command) -> dict[str, str]:
    """The files by their path below the home."""
    return {str(file.path).removeprefix("/run/home/"): file.content.decode() for file in made.files}


def everything(made: Command) -> str:
    return json.dumps([made.argv, dict(made.environment), made.stdin.decode(), placed(made)])


def test_the_harnesses_are_those_that_the_language_knows() -> None:
    assert set(HARNESSES) == set(HARNESS_PROVIDERS) == set(HARNESS_VERSIONS)
    assert all(adapter(name).session_folders for name in HARNESSES)


def test_an_unknown_harness_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigurationError) as caught:
        adapter("aider")
    assert str(caught.value) == (
        "harness.name: 'aider' is not a harness of this release; "
        "write one of claude-code, codex, opencode, pi, gemini, goose or command"
    )


@pytest.mark.parametrize("harness", HARNESSES)
def test_arguments_hold_no_prompt_no_secret_and_no_instructions(harness: str) -> None:
    mcp = (STDIO, HTTP) if harness in WITH_MCP else ()
    skills = (SKILL,) if harness in WITH_SKILLS else ()
    made = command(harness, mcp_servers=mcp, skills=skills, instructions="Be kind")
    said = " ".join(made.argv)
    for secret in ("Triage issue 7", TOKEN, "env-secret", "header-secret", "Be kind"):
        assert secret not in said


@pytest.mark.parametrize("harness", HARNESSES)
def test_the_prompt_is_on_standard_input(harness: str) -> None:
    assert command(harness, prompt="Grüße, 7 ✓").stdin == "Grüße, 7 ✓".encode()


@pytest.mark.parametrize("harness", HARNESSES)
def test_the_way_out_is_the_guard(harness: str) -> None:
    environment = command(harness).environment
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        assert environment[name] == PROXY
    assert environment["NO_PROXY"] == environment["no_proxy"] == "127.0.0.1,localhost"
    assert environment["NODE_USE_ENV_PROXY"] == "1"


@pytest.mark.parametrize("harness", HARNESSES)
def test_a_run_has_a_home_of_its_own_and_nothing_of_the_runners(harness: str) -> None:
    environment = command(harness).environment
    assert (environment["HOME"], environment["TMPDIR"]) == ("/run/home", "/run/temp")
    assert (environment["NO_COLOR"], environment["TERM"]) == ("1", "dumb")
    assert not {"PATH", "LANG", "USER", "PYTHONPATH"} & set(environment)


@pytest.mark.parametrize("harness", HARNESSES)
def test_files_lie_below_the_home_and_are_private(harness: str) -> None:
    mcp = (STDIO, HTTP) if harness in WITH_MCP else ()
    made = command(harness, mcp_servers=mcp, instructions="Be kind")
    for file in made.files:
        assert str(file.path).startswith("/run/home/")
        assert file.mode & 0o077 == 0


@pytest.mark.parametrize("harness", HARNESSES)
@pytest.mark.parametrize(
    "change",
    [
        {"args": ("--more",)},
        {"instructions": "Be kind"},
        {"prompt": "another"},
        {"session": OLD_SESSION},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_knob_moves_the_command(harness: str, change: dict[str, Any]) -> None:
    assert everything(command(harness, **change)) != everything(command(harness))


@pytest.mark.parametrize(("harness", "provider"), EVERY_PROVIDER)
def test_model_and_provider_move_the_command(harness: str, provider: str) -> None:
    one = everything(command(harness, model=of_model(provider, "one")))
    other = everything(command(harness, model=of_model(provider, "other")))
    assert one != other
    assert "http://127.0.0.1:9/model" in one
    assert "models.example.com" not in one
    assert "model-key" not in one


@pytest.mark.parametrize("harness", [n for n in HARNESSES if len(HARNESS_PROVIDERS[n]) > 2])
def test_each_wire_format_is_started_in_its_own_way(harness: str) -> None:
    made = {everything(command(harness, model=of_model(p, "m"))) for p in ("anthropic", "openai")}
    assert len(made) == 2


@pytest.mark.parametrize("harness", HARNESSES)
def test_no_name_of_another_model_is_left(harness: str) -> None:
    said = everything(command(harness, model=of_model(HARNESS_PROVIDERS[harness][0], "the-one-model")))
    for other in ("haiku", "sonnet-", "gpt-", "flash-lite-", "-mini"):
        assert other not in said


@pytest.mark.parametrize("harness", HARNESSES)
def test_more_arguments_come_where_the_program_takes_them(harness: str) -> None:
    argv = command(harness, args=("--one", "two")).argv
    at = argv.index("--one")
    assert argv[at : at + 2] == ("--one", "two")
    assert argv[at + 2 :] == (("-",) if harness == "codex" else ())


def test_codex_takes_options_before_the_session_that_it_resumes() -> None:
    argv = command("codex", args=("-c", "x=1"), session="thread-1").argv
    assert argv[-5:] == ("-c", "x=1", "resume", "thread-1", "-")


@pytest.mark.parametrize(
    ("before", "now", "goes_on"),
    [
        ("gpt-5.5", "gpt-5.5", True),
        ("gpt-5.5", "gpt-6-sol", False),
        ("gpt-6-sol", "gpt-5.5", False),
        ("gpt-5.6-luna", "gpt-6.1-sol", True),
        ("gpt-5.5", "own-model", True),
        ("own-model", "gpt-6-sol", True),
    ],
)
def test_codex_goes_on_with_what_the_model_of_now_can_read(before: str, now: str, goes_on: bool) -> None:
    argv = command("codex", session=f"thread-1@{before}", model=of_model("openai", now)).argv
    assert argv[-3:-1] == ("resume", "thread-1") if goes_on else "resume" not in argv


@pytest.mark.parametrize(
    ("harness", "new", "resumed"),
    [
        ("claude-code", ("--session-id", NEW_SESSION), ("--resume", OLD_SESSION)),
        ("codex", (), ("resume", OLD_SESSION)),
        ("opencode", ("--title", "run"), ("--session", OLD_SESSION)),
        ("pi", ("--session-id", NEW_SESSION), ("--session", OLD_SESSION)),
        ("gemini", ("--session-id", NEW_SESSION), ("--resume", OLD_SESSION)),
        ("goose", ("--name", NEW_SESSION), ("--name", OLD_SESSION, "--resume")),
    ],
)
def test_sessions_begin_and_go_on(harness: str, new: tuple[str, ...], resumed: tuple[str, ...]) -> None:
    first, second = command(harness).argv, command(harness, session=OLD_SESSION).argv
    assert _in_a_row(new, first)
    assert _in_a_row(resumed, second)
    assert NEW_SESSION not in second


@pytest.mark.parametrize("harness", HARNESSES)
def test_no_folder_of_a_session_holds_a_placed_file(harness: str) -> None:
    """Files are written anew for each run, and some hold secrets: none of them is saved with a session."""
    mcp = (STDIO, HTTP) if harness in WITH_MCP else ()
    skills = (SKILL,) if harness in WITH_SKILLS else ()
    for path in placed(command(harness, mcp_servers=mcp, skills=skills, instructions="Be kind")):
        for folder in adapter(harness).session_folders:
            assert not path.startswith(f"{folder}/")


@pytest.mark.parametrize(
    ("harness", "path"),
    [
        ("claude-code", ".claude/CLAUDE.md"),
        ("codex", ".codex/AGENTS.md"),
        ("opencode", ".config/opencode/AGENTS.md"),
        ("pi", ".pi/agent/AGENTS.md"),
        ("gemini", ".gemini/GEMINI.md"),
        ("goose", ".config/goose/AGENTS.md"),
        ("command", "AGENTS.md"),
    ],
)
def test_instructions_lie_where_the_program_reads_its_own(harness: str, path: str) -> None:
    assert placed(command(harness, instructions="Be kind"))[path] == "Be kind"
    assert path not in placed(command(harness))


@pytest.mark.parametrize(
    ("harness", "folder"),
    [
        ("claude-code", ".claude/skills"),
        ("codex", ".codex/skills"),
        ("opencode", ".config/opencode/skills"),
        ("pi", ".pi/agent/skills"),
    ],
)
def test_skills_lie_where_the_program_reads_them_and_stay_executable(harness: str, folder: str) -> None:
    made = command(harness, skills=(SKILL,))
    modes = {str(f.path): f.mode for f in made.files}
    assert modes[f"/run/home/{folder}/triage/SKILL.md"] == 0o600
    assert modes[f"/run/home/{folder}/triage/count.sh"] == 0o700


MCP_FILES = {
    "claude-code": (
        ".claude/mcp.json",
        "mcpServers",
        {"type": "stdio", "command": "python3", "args": ["server.py"], "env": {"KEY": "env-secret"}},
        {"type": "http", "url": HTTP.url, "headers": dict(HTTP.headers)},
    ),
    "codex": (
        ".codex/config.toml",
        "mcp_servers",
        {"command": "python3", "args": ["server.py"], "env": {"KEY": "env-secret"}, "startup_timeout_sec": 60},
        {"url": HTTP.url, "http_headers": dict(HTTP.headers), "startup_timeout_sec": 60},
    ),
    "opencode": (
        ".config/opencode/opencode.json",
        "mcp",
        {"type": "local", "command": ["python3", "server.py"], "environment": {"KEY": "env-secret"}},
        {"type": "remote", "url": HTTP.url, "headers": dict(HTTP.headers), "oauth": False},
    ),
    "gemini": (
        ".gemini/settings.json",
        "mcpServers",
        {"command": "python3", "args": ["server.py"], "env": {"KEY": "env-secret"}, "trust": True},
        {"httpUrl": HTTP.url, "headers": dict(HTTP.headers), "trust": True},
    ),
}


@pytest.mark.parametrize("harness", MCP_FILES)
def test_mcp_servers_are_translated(harness: str) -> None:
    path, member, local, far = MCP_FILES[harness]
    text = placed(command(harness, mcp_servers=(STDIO, HTTP)))[path]
    servers = (tomllib.loads(text) if path.endswith(".toml") else json.loads(text))[member]
    assert servers == {"local": local, "far": far}


def test_goose_is_given_mcp_servers_without_a_secret_that_its_session_would_keep() -> None:
    made = command("goose", mcp_servers=(STDIO, HTTP))
    files = placed(made)
    extensions = json.loads(files[".config/goose/config.yaml"])["extensions"]
    assert extensions["developer"]["type"] == "builtin"
    assert (extensions["far"]["type"], extensions["far"]["uri"]) == ("streamable_http", HTTP.url)
    assert extensions["far"]["headers"] == {"Authorization": "${UNMOOR_FAR_AUTHORIZATION}"}
    assert extensions["far"]["env_keys"] == ["UNMOOR_FAR_AUTHORIZATION"]
    assert json.loads(files[".config/goose/secrets.yaml"]) == {"UNMOOR_FAR_AUTHORIZATION": "Bearer header-secret"}
    assert made.argv[-2:] == ("--with-extension", "local:/run/home/.config/goose/servers/local")
    assert files[".config/goose/servers/local"] == "#!/bin/sh\nexport KEY=env-secret\nexec python3 server.py\n"


def test_a_server_by_any_name_is_in_codex_s_configuration() -> None:
    odd = type(STDIO)(name='a."b\x7f', url="", headers=(), command=("x", 'quote"\n\\'), env=(("K", "v\t✓"),))
    config = tomllib.loads(placed(command("codex", mcp_servers=(odd,)))[".codex/config.toml"])
    assert config["mcp_servers"]['a."b\x7f']["args"] == ['quote"\n\\']
    assert config["mcp_servers"]['a."b\x7f']["env"] == {"K": "v\t✓"}


@pytest.mark.parametrize(
    ("harness", "without", "with_"),
    [
        ("claude-code", "WebSearch", ""),
        ("codex", 'web_search = \\"disabled\\"', 'web_search = \\"live\\"'),
        ("gemini", "google_web_search", ""),
    ],
)
def test_tools_by_which_the_provider_reaches_the_web_are_offered_only_where_it_may(
    harness: str, without: str, with_: str
) -> None:
    kept_in, let_out = everything(command(harness)), everything(command(harness, web=True))
    assert without in kept_in
    assert without not in let_out
    assert with_ in let_out


def test_a_program_in_javascript_is_started_by_the_node_that_is_known() -> None:
    programs = {"pi": "/cache/pi/cli.js", "node": "/cache/node/bin/node"}
    argv = command("pi", programs=programs).argv
    assert argv[:3] == ("/cache/node/bin/node", "--disable-warning=UNDICI-EHPA", "/cache/pi/cli.js")
    assert command("pi").argv[0] == "pi"
    assert command("claude-code", programs={"claude": "/cache/claude", "node": "/n"}).argv[0] == "/cache/claude"


def test_opencode_s_model_cannot_be_changed_by_a_file_of_the_workspace() -> None:
    forced = json.loads(command("opencode").environment["OPENCODE_CONFIG_CONTENT"])
    assert forced["model"] == forced["small_model"] == "anthropic/claude-sonnet-5"
    assert forced["provider"]["anthropic"]["options"]["baseURL"] == "http://127.0.0.1:9/model/v1"
    assert forced["provider"]["anthropic"]["options"]["apiKey"] == "{env:UNMOOR_MODEL_TOKEN}"
    assert TOKEN not in json.dumps(forced)


def test_a_command_of_one_s_own_is_told_everything_by_variables() -> None:
    made = command("command", args=("--more",), instructions="Be kind")
    assert made.argv == ("./agent", "--flag", "--more")
    told = {name: value for name, value in made.environment.items() if name.startswith(("UNMOOR_", "OPENAI_"))}
    assert told == {
        "OPENAI_API_KEY": TOKEN,
        "OPENAI_BASE_URL": "http://127.0.0.1:9/model",
        "UNMOOR_INSTRUCTIONS": "/run/home/AGENTS.md",
        "UNMOOR_MODEL": "gpt-5.5",
        "UNMOOR_MODEL_PROVIDER": "openai",
        "UNMOOR_MODEL_TOKEN": TOKEN,
        "UNMOOR_MODEL_URL": "http://127.0.0.1:9/model",
        "UNMOOR_SESSION": NEW_SESSION,
        "UNMOOR_SESSION_FOLDER": "/run/home/session",
    }


def test_a_command_without_a_model_is_told_of_none() -> None:
    environment = command("command", model=None).environment
    assert not [name for name in environment if "MODEL" in name or "API_KEY" in name]
    assert "UNMOOR_INSTRUCTIONS" not in environment


def _in_a_row(few: tuple[str, ...], many: tuple[str, ...]) -> bool:
    return any(many[i : i + len(few)] == few for i in range(len(many) + 1))
