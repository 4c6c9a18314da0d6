"""The agent spec, version 1: what a user may write, and nothing decided.

Frozen models that forbid unknown keys. An absent value is None here; plan.py decides what it becomes.
No model knows a target: `targets` holds each target's settings as they were written, for that target to read.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from unmoor.quantities import mebibytes, quote_truncated, seconds

NAME = r"^[a-z]([a-z0-9-]*[a-z0-9])?$"
URL = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"
GIT_URL = r"^https://[^\s/?#@]+/[^\s?#@]*[^\s?#@/]/?$"
MCP_URL = r"^https?://[^\s/?#@][^\s@]*$"
IMAP_HOST = r"^([A-Za-z0-9-]*[A-Za-z0-9]\.)*[A-Za-z0-9-]*[A-Za-z0-9](:[0-9]{1,5})?$"
ADDRESS = r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@([A-Za-z0-9-]+\.)*[A-Za-z0-9-]+$"
AUTHSERV_ID = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
# What a shell, a header and git's command line take for a name: https://git-scm.com/docs/git-check-ref-format
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
HEADER = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
ONE_LINE = r"^[^\r\n]*$"
GIT_REF = r"^[^-\s~^:?*\[\\][^\s~^:?*\[\\]*$"
# https://github.com/distribution/reference/blob/main/regexp.go
IMAGE = (
    r"^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@sha256:[0-9a-f]{64})?$"
)
Name = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=NAME)]
AgentName = Annotated[str, StringConstraints(min_length=3, max_length=32, pattern=NAME)]
Text = Annotated[str, StringConstraints(min_length=1)]
Variable = Annotated[str, StringConstraints(pattern=VARIABLE)]
Header = Annotated[str, StringConstraints(pattern=HEADER)]
OneLine = Annotated[str, StringConstraints(pattern=ONE_LINE)]
ImageName = Annotated[str, StringConstraints(max_length=512, pattern=IMAGE)]
RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


def _is_duration(text: str) -> str:
    if seconds(text) > seconds("36500d"):
        raise ValueError(f"{text} is over a hundred years; write 36500d or less")
    return text


def _is_size(text: str) -> str:
    mebibytes(text)
    return text


Duration = Annotated[str, AfterValidator(_is_duration), Field(json_schema_extra={"pattern": r"^[1-9]\d{0,8}[smhd]$"})]
Size = Annotated[
    str, AfterValidator(_is_size), Field(json_schema_extra={"pattern": r"^[1-9]\d{0,8}(\.\d{1,3})?(Mi|Gi|Ti)$"})
]


def _as_decimal(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    if isinstance(value, Decimal):
        return value
    raise ValueError("must be a number")


def _is_one(value: object) -> object:
    if type(value) is not int:
        raise ValueError(
            f"{quote_truncated(value if isinstance(value, str) else str(value).lower())} is no version; write 1"
        )
    return value


Version = Annotated[Literal[1], BeforeValidator(_is_one, json_schema_input_type=Literal[1])]
Number = Annotated[Decimal, BeforeValidator(_as_decimal, json_schema_input_type=int | float)]
Cpu = Annotated[Number, Field(gt=0, le=256, decimal_places=3)]
Dollars = Annotated[Number, Field(gt=0, le=1_000_000, decimal_places=4)]


class SpecModel(BaseModel):
    """Base of every part of the spec: frozen, strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True, defer_build=True)


class HarnessSpec(SpecModel):
    """Which agent program runs, and how it is called."""

    name: Literal["claude-code", "codex", "opencode", "pi", "gemini", "goose", "command"] = Field(
        description="The harness; `command` brings its own program, which reads the prompt on standard input."
    )
    version: Text | None = Field(None, description="An exact version; without it the one this release was tested with.")
    args: list[str] = Field([], description="Passed to the harness as they are, after unmoor's own.")
    command: list[Text] = Field([], description="The program and its arguments, for `name: command` only.")


class ImageBuild(SpecModel):
    """An image built from a folder of the user's, on top of what unmoor needs."""

    build: RelativePath = Field(description="A folder with a Dockerfile, relative to the spec.")


class ModelSpec(SpecModel):
    """The model that the harness talks to, through the guard."""

    provider: Literal["anthropic", "openai", "google", "openrouter", "openai-compatible"] = Field(
        description="Whose API the model is called by."
    )
    name: Text = Field(description="The model's name, passed on as it is.")
    api_key: Name = Field(description="The name of the secret that holds the key. Only the guard is given it.")
    base_url: Annotated[str, StringConstraints(pattern=URL)] | None = Field(
        None, description="Another address of that API; required for `openai-compatible`."
    )


class InstructionsFile(SpecModel):
    """Instructions that lie in a file."""

    file: RelativePath = Field(description="A text file, relative to the spec.")


class RepoSpec(SpecModel):
    """A git repository that is cloned into the workspace."""

    url: Annotated[str, StringConstraints(pattern=GIT_URL)] = Field(description="An https address without credentials.")
    ref: Annotated[str, StringConstraints(pattern=GIT_REF)] | None = Field(
        None, description="A branch, tag or commit; without it the default branch."
    )
    path: RelativePath | None = Field(None, description="Where in the workspace; without it the repository's name.")
    credential: Name | None = Field(None, description="The name of the secret that holds a token for it.")


class FileSpec(SpecModel):
    """A file or folder that is copied into the workspace."""

    source: RelativePath = Field(description="A file or folder, relative to the spec.")
    path: RelativePath | None = Field(None, description="Where in the workspace; without it the source's own name.")


class SkillSpec(SpecModel):
    """A skill folder, put where the harness looks for skills."""

    source: RelativePath = Field(description="A folder with a SKILL.md, relative to the spec.")


class ContextSpec(SpecModel):
    """What lies in the workspace before a run starts."""

    repos: list[RepoSpec] = Field([], description="Git repositories to clone.")
    files: list[FileSpec] = Field([], description="Files and folders to copy; they travel in the bundle.")
    skills: list[SkillSpec] = Field([], description="Skills to install; they travel in the bundle.")


class McpServerSpec(SpecModel):
    """An MCP server: a remote one by `url`, or a local one by `command`."""

    url: Annotated[str, StringConstraints(pattern=MCP_URL)] | None = Field(
        None, description="A remote server's address."
    )
    headers: dict[Header, OneLine] = Field({}, description="Sent to `url`; `${secret:NAME}` puts a secret in.")
    command: list[Text] = Field([], description="A local server's program and arguments.")
    env: dict[Variable, str] = Field(
        {}, description="The local server's environment; `${secret:NAME}` puts a secret in."
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> McpServerSpec:
        if (self.url is None) == (not self.command):
            raise ValueError("a server has either url or command; give one of them")
        if self.url is not None and self.env:
            raise ValueError("env belongs to a server with command; use headers with url")
        if self.command and self.headers:
            raise ValueError("headers belong to a server with url; use env with command")
        return self


class ToolsSpec(SpecModel):
    """What the harness may call beside its own tools."""

    mcp_servers: dict[Name, McpServerSpec] = Field({}, description="MCP servers by name.")


PAYLOAD = r"^[^{}]*(\{(timestamp|body)\}[^{}]*)+$"


class SignedTimeSpec(SpecModel):
    """The time that a sender signs with its message, by which an old message that somebody kept is refused."""

    header: Header = Field(description="The header with the time: seconds or milliseconds since 1970, or ISO 8601.")
    payload: Annotated[str, StringConstraints(pattern=PAYLOAD)] | None = Field(
        None, description="What is signed, of `{timestamp}` and `{body}`; `{timestamp}.{body}` without it."
    )
    tolerance: Duration | None = Field(None, description="How far it may be from now; 5m without it.")

    @model_validator(mode="after")
    def _signs_both(self) -> SignedTimeSpec:
        if self.payload is not None and not ("{timestamp}" in self.payload and self.payload.count("{body}") == 1):
            raise ValueError("payload has no {timestamp}, or not one {body}; write both, such as {timestamp}.{body}")
        return self


class VerifySpec(SpecModel):
    """How a webhook's sender is proved."""

    scheme: Literal["github", "gitlab", "slack", "stripe", "standard-webhooks", "hmac", "bearer"] = Field(
        description="The sender's way of signing."
    )
    secret: Name = Field(description="The name of the secret that both sides know.")
    header: Header | None = Field(None, description="For `hmac`: the header that carries the signature.")
    algorithm: Literal["sha1", "sha256", "sha512"] | None = Field(
        None, description="For `hmac`: the digest; sha256 without it."
    )
    encoding: Literal["hex", "base64"] | None = Field(
        None, description="For `hmac`: how the signature is written; hex without it."
    )
    prefix: str | None = Field(None, description="For `hmac`: text before the signature, such as `sha256=`.")
    timestamp: SignedTimeSpec | None = Field(None, description="For `hmac`: the time that is signed with the body.")

    @model_validator(mode="after")
    def _hmac_has_its_own(self) -> VerifySpec:
        own = ("header", "algorithm", "encoding", "prefix", "timestamp")
        extras = [k for k in own if getattr(self, k) is not None]
        if self.scheme == "hmac" and self.header is None:
            raise ValueError("scheme hmac needs the name of the signature's header; add header")
        if self.scheme != "hmac" and extras:
            raise ValueError(f"{', '.join(extras)} belongs to scheme hmac; remove it or change the scheme")
        return self


Scalar = str | int | bool


class WebhookSpec(SpecModel):
    """A webhook: who may send it, and which deliveries start a run."""

    verify: VerifySpec | Literal["none"] = Field(
        description="How the sender is proved; `none` lets anybody start a run."
    )
    when: dict[Text, Scalar | list[Scalar]] = Field(
        {}, description="`header.NAME` or `body.PATH` to the value or values that start a run."
    )


class ScheduleSpec(SpecModel):
    """A five-field cron expression in a time zone."""

    cron: Text = Field(description="minute hour day-of-month month day-of-week.")
    timezone: Text | None = Field(None, description="An IANA time zone; UTC without it.")
    missed: Literal["skip", "run_once"] | None = Field(
        None, description="What becomes of times that passed while nothing could fire: nothing, or one run for all."
    )


class EmailSpec(SpecModel):
    """A mailbox; each new mail starts a run."""

    imap: Annotated[str, StringConstraints(pattern=IMAP_HOST)] = Field(
        description="The IMAP server, reached by TLS; port 993 unless given, 143 begins with STARTTLS."
    )
    user: Text = Field(description="The mailbox's user.")
    password: Name = Field(description="The name of the secret that holds its password.")
    allow_from: list[Text] = Field(
        min_length=1, description="Senders that may start a run: addresses, or `*@example.com`."
    )
    authserv_id: Annotated[str, StringConstraints(pattern=AUTHSERV_ID)] | None = Field(
        None,
        description="The name by which the receiving server signs its Authentication-Results; without it, any name of "
        "the IMAP server's domain.",
    )
    smtp: Annotated[str, StringConstraints(pattern=IMAP_HOST)] | None = Field(
        None,
        description="The server that sends the run's answer back, by TLS, with the same user and password; port 465 "
        "unless given, 587 begins with STARTTLS. Without it nothing is sent.",
    )
    address: Annotated[str, StringConstraints(pattern=ADDRESS)] | None = Field(
        None, description="The mailbox's own address, for answers; `user` where that is an address."
    )


class TriggerSpec(SpecModel):
    """What starts a run, and the prompt it starts with."""

    name: Name = Field(description="Its name, part of the webhook's path.")
    webhook: WebhookSpec | None = Field(None, description="Starts a run when an HTTP request comes.")
    schedule: ScheduleSpec | None = Field(None, description="Starts a run at given times.")
    email: EmailSpec | None = Field(None, description="Starts a run when a mail comes.")
    prompt: Text = Field(description="The prompt; `{{ event.… }}` puts in what came, fenced as data.")

    @model_validator(mode="after")
    def _is_one_kind(self) -> TriggerSpec:
        if sum(x is not None for x in (self.webhook, self.schedule, self.email)) != 1:
            raise ValueError("a trigger is one of webhook, schedule, email; give exactly one")
        return self


class RunSpec(SpecModel):
    """How runs are isolated, limited and kept apart."""

    isolation: Literal["container", "process"] | None = Field(
        None, description="A fresh container for each run, or the service's own."
    )
    timeout: Duration | None = Field(None, description="After this a run is stopped as timed_out.")
    max_concurrent: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, description="Runs at one time.")
    when_busy: Literal["queue", "skip"] | None = Field(
        None, description="What becomes of a trigger when all of them are taken."
    )
    retries: Annotated[int, Field(ge=0, le=10)] | None = Field(None, description="Of infrastructure failures only.")
    session: Text | None = Field(
        None, description="Runs with the same key resume one session; omitted: a new one each run."
    )
    max_cost_usd: Dollars | None = Field(None, description="What one run may spend on its model.")
    artifacts: list[Text] = Field([], description="Globs of workspace files that are kept.")


class BudgetSpec(SpecModel):
    """What the agent may spend."""

    per_day_usd: Dollars | None = Field(None, description="On its model, all runs of one UTC day together.")


class SecretSpec(SpecModel):
    """Where a secret's value is read from when the agent is deployed; never the value."""

    env: Variable | None = Field(None, description="An environment variable of whoever deploys.")
    config: Text | None = Field(None, description="A secret of the stack's Pulumi config.")
    file: RelativePath | None = Field(None, description="A file, relative to the spec.")
    existing: Literal[True] | None = Field(
        None, description="Already in the target's store; `targets.<t>.secrets.<name>` says where."
    )

    @model_validator(mode="after")
    def _is_one_source(self) -> SecretSpec:
        if sum(x is not None for x in (self.env, self.config, self.file, self.existing)) != 1:
            raise ValueError("a secret is read from one of env, config, file, existing; give exactly one")
        return self


class ResourcesSpec(SpecModel):
    """The size of one run."""

    cpu: Cpu | None = Field(None, description="Processors.")
    memory: Size | None = Field(None, description="Memory.")
    disk: Size | None = Field(None, description="Scratch space, workspace included.")
    arch: Literal["amd64", "arm64"] | None = Field(None, description="The processor's architecture.")


class GatewaySpec(SpecModel):
    """The service that takes triggers and shows runs."""

    cpu: Cpu | None = Field(None, description="Processors of one instance.")
    memory: Size | None = Field(None, description="Memory of one instance.")
    min: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="Instances kept; 0 where a request can wake it."
    )
    max: Annotated[int, Field(ge=1, le=100)] | None = Field(None, description="Instances at most.")
    token: Name | None = Field(
        None, description="The name of the secret that holds the API's token; without it one is generated."
    )


HOST = r"^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"
Host = Annotated[str, StringConstraints(max_length=253, pattern=HOST)]
DOMAIN = HOST.replace(r"(\*\.)?", "")


# What to write instead of a text that does not match, for people who do not read patterns.
PATTERN_WORDS = {
    NAME: "write a-z, 0-9 and -, beginning with a letter and not ending with -",
    HOST: "write a host name such as api.example.com, or *.example.com",
    DOMAIN: "write a host name such as agent.example.com",
    URL: "write an http or https address without credentials, query or fragment",
    GIT_URL: "write an https address without credentials, such as https://github.com/owner/name",
    MCP_URL: "write an http or https address without credentials",
    VARIABLE: "write A-Z, a-z, 0-9 and _, not beginning with a digit",
    HEADER: "write a header's name, such as X-Signature",
    PAYLOAD: "write what is signed, of {timestamp} and {body}, such as {timestamp}.{body}",
    ONE_LINE: "write one line",
    GIT_REF: "write a branch, tag or commit",
    IMAGE: "write a reference such as registry.example.com/agent:1.0, with @sha256: and its digest to pin it",
    IMAP_HOST: "write a host name, with :port if it is not the usual one",
    ADDRESS: "write an address such as agent@example.com",
    AUTHSERV_ID: "write the name that stands first in the header, such as mx.google.com",
}


class NetworkSpec(SpecModel):
    """What runs may reach, and under which name the gateway is reached."""

    egress: list[Host] | Literal["any"] | None = Field(None, description="Host names that runs may reach, or `any`.")
    domain: Annotated[str, StringConstraints(max_length=253, pattern=DOMAIN)] | None = Field(
        None, description="The gateway's own host name."
    )


class RetentionSpec(SpecModel):
    """How long things are kept."""

    runs: Duration | None = Field(None, description="Runs, their events, artifacts and sessions.")
    logs: Duration | None = Field(None, description="The platform's logs.")


class Spec(SpecModel):
    """One agent."""

    version: Version = Field(description="The version of this language.")
    name: AgentName = Field(description="The agent's name: 3 to 32 of a-z, 0-9 and -.")
    description: str | None = Field(None, description="What it does, for people.")
    harness: HarnessSpec = Field(description="Which agent program runs.")
    image: ImageName | ImageBuild | None = Field(
        None, description="A reference, a folder to build, or nothing: the image that unmoor ships."
    )
    model: ModelSpec | None = Field(None, description="The model; required unless the harness is `command`.")
    instructions: Text | InstructionsFile | None = Field(
        None, description="Standing instructions, as text or as a file."
    )
    context: ContextSpec = Field(
        default_factory=partial(ContextSpec.model_validate, {}), description="What lies in the workspace."
    )
    tools: ToolsSpec = Field(default_factory=partial(ToolsSpec.model_validate, {}), description="MCP servers.")
    triggers: list[TriggerSpec] = Field([], description="What starts runs; the HTTP API is always there as well.")
    run: RunSpec = Field(default_factory=partial(RunSpec.model_validate, {}), description="How runs are run.")
    budget: BudgetSpec = Field(default_factory=partial(BudgetSpec.model_validate, {}), description="What may be spent.")
    secrets: dict[Name, SecretSpec] = Field({}, description="Every secret, by name.")
    resources: ResourcesSpec = Field(
        default_factory=partial(ResourcesSpec.model_validate, {}), description="The size of a run."
    )
    gateway: GatewaySpec = Field(
        default_factory=partial(GatewaySpec.model_validate, {}), description="The size of the gateway."
    )
    network: NetworkSpec = Field(
        default_factory=partial(NetworkSpec.model_validate, {}), description="What may be reached."
    )
    retention: RetentionSpec = Field(
        default_factory=partial(RetentionSpec.model_validate, {}), description="How long things are kept."
    )
    environments: dict[Name, dict[str, Any]] = Field({}, description="Merged over the above for `-e NAME`.")
    targets: dict[Name, dict[str, Any]] = Field({}, description="Settings of each target.")
