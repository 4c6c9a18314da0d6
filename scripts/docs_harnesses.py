"""The generated part of each harness's page: what its adapter makes of an agent that has everything."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from docs_markdown import code, table

from unmoor.runtime.config import McpServer, Model
from unmoor.runtime.harness import adapter, names
from unmoor.runtime.harness.launch_files import environment
from unmoor.runtime.harness.packages import PACKAGES
from unmoor.runtime.harness.protocol import Command, GuardEndpoint, LaunchSpec, Skill
from unmoor.runtime.harness.versions import HARNESS_VERSIONS
from unmoor.spec.harness_support import HARNESS_PROVIDERS, WITHOUT_MCP, WITHOUT_SKILLS

BEGIN = "<!-- Made by scripts/docs.py from the adapter; change it there. -->"
END = "<!-- As written from here. -->"
INSTRUCTIONS = "The agent's instructions."
SERVERS = (
    McpServer(name="far", url="https://mcp.example.com/mcp", headers=(("Authorization", "…"),), command=(), env=()),
    McpServer(name="local", url="", headers=(), command=("npx", "-y", "@x/y"), env=(("KEY", "…"),)),
)


def harness_pages(folder: Path) -> dict[Path, str]:
    """Every page of a harness and the one that compares them, with what is made put between its two marks."""
    parts = {folder / "index.md": _comparison(), **{folder / f"{name}.md": _part(name) for name in names()}}
    return {path: put(path.read_text(encoding="utf-8"), list(lines)) for path, lines in parts.items()}


def put(text: str, lines: list[str], begin: str = BEGIN) -> str:
    """The text with these lines between its two marks."""
    before, _, rest = text.partition(begin)
    after = rest.partition(END)[2]
    return "\n".join([before + begin, "", *lines, "", END + after])


def _comparison() -> Iterator[str]:
    titles = ("harness", "tested version", "providers", "MCP", "skills", "instructions", "kept with a session")
    yield from table(titles, (_row(name) for name in names()))


def _row(name: str) -> tuple[str, ...]:
    made = _made(name)
    return (
        f"[{name}]({name}.md)",
        "the image's own" if name == "command" else code(HARNESS_VERSIONS[name]),
        ", ".join(HARNESS_PROVIDERS[name]),
        "no" if name in WITHOUT_MCP else "HTTP and stdio",
        "no" if name in WITHOUT_SKILLS else "yes",
        code(_place_of(made, INSTRUCTIONS)),
        ", ".join(code(f"~/{folder}") for folder in adapter(name).session_folders),
    )


def _part(name: str) -> Iterator[str]:
    made = _made(name)
    yield from ("## What it is passed", "")
    yield from table(("of the spec", "becomes"), _passed(name, made))
    yield from ("", "## How it is started", "", "```text", _line(made), "```", "")
    resumed = _line(_made(name, session="SESSION"))
    if resumed != _line(made):
        yield from ("Where a session goes on:", "", "```text", resumed, "```", "")
    yield from _environment(name, made)
    for file in made.files:
        text = file.content.decode()
        if text.strip() and INSTRUCTIONS not in text and "skills" not in file.path.parts:
            yield from ("", f"{code(_home(str(file.path)))}:", "", _fence(file.path), text.rstrip(), "```")


def _passed(name: str, made: Command) -> Iterator[tuple[str, str]]:
    if name in PACKAGES:
        package = PACKAGES[name].package.format(os="linux", cpu="x64")
        yield code("harness.version"), f"npm's {code(package)}, tested with {code(HARNESS_VERSIONS[name])}"
    yield code("harness.args"), "appended" if name != "codex" else "put before `resume` and the prompt"
    yield code("model.provider"), f"one of {', '.join(HARNESS_PROVIDERS[name])}"
    yield code("instructions"), code(_place_of(made, INSTRUCTIONS))
    skills = (
        "refused by `check`" if name in WITHOUT_SKILLS else code(_place_of(made, "SKILL").replace("/SKILL.md", "/"))
    )
    yield code("context.skills"), skills
    servers = "refused by `check`" if name in WITHOUT_MCP else code(_place_of(made, "@x/y"))
    yield code("tools.mcp_servers"), servers
    kept = ", ".join(code(f"~/{folder}") for folder in adapter(name).session_folders)
    yield code("run.session"), f"{kept}, kept between runs"


def _environment(name: str, made: Command) -> Iterator[str]:
    common = environment(_job(name))
    own = {key: value for key, value in made.environment.items() if key not in common}
    yield from ("Beside [what every harness is given](index.md#what-every-harness-is-given):", "")
    yield from table(("variable", "value"), ((code(k), code(_home(v))) for k, v in sorted(own.items())))


def _made(name: str, *, session: str = "") -> Command:
    return adapter(name).command(_job(name, session=session))


def _job(name: str, *, session: str = "") -> LaunchSpec:
    provider = HARNESS_PROVIDERS[name][0]
    job = LaunchSpec(
        version="",
        args=(),
        command=("./agent",) if name == "command" else (),
        model=Model(provider=provider, name="MODEL", base_url="", api_key=""),
        guard=GuardEndpoint(
            model_url="http://127.0.0.1:PORT/model", proxy_url="http://127.0.0.1:PORT", token="RUN-TOKEN"
        ),
        home=PurePosixPath("/HOME"),
        work=PurePosixPath("/WORK"),
        temp=PurePosixPath("/TEMP"),
        instructions=INSTRUCTIONS,
        skills=(Skill(name="NAME", files=(("SKILL.md", b"SKILL", False),)),),
        mcp_servers=SERVERS,
        prompt="",
        session=session,
        new_session="NEW-SESSION",
        programs={},
    )
    return replace(job, skills=() if name in WITHOUT_SKILLS else job.skills)


def _place_of(made: Command, content: str) -> str:
    """The file that holds it, from the home."""
    return next(_home(str(file.path)) for file in made.files if content in file.content.decode())


def _line(made: Command) -> str:
    """The command line, an option to a line where it is long."""
    return _home(shlex.join(made.argv)).replace(" --", " \\\n    --") + " < prompt"


def _home(text: str) -> str:
    return text.replace("/HOME", "~").replace("/WORK", "WORK")


def _fence(path: PurePosixPath) -> str:
    return "```" + {".json": "json", ".toml": "toml", ".yaml": "yaml"}.get(path.suffix, "text")
