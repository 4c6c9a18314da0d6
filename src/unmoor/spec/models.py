"""The agent spec, version 1, as a user writes it.

Frozen models that forbid unknown keys. An absent value is None here; defaults.py decides what it becomes. No model
knows a target: `targets` holds each target's settings unparsed, for that target to read.
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
# Names that a shell, a header and git accept: https://git-scm.com/docs/git-check-ref-format
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
        text = quote_truncated(value if isinstance(value, str) else str(value).lower())
        raise ValueError(f"{text} is not a valid version; write 1")
    return value


Version = Annotated[Literal[1], BeforeValidator(_is_one, json_schema_input_type=Literal[1])]
Number = Annotated[Decimal, BeforeValidator(_as_decimal, json_schema_input_type=int | float)]
Cpu = Annotated[Number, Field(gt=0, le=256, decimal_places=3)]
Dollars = Annotated[Number, Field(gt=0, le=1_000_000, decimal_places=4)]


class SpecModel(BaseModel):
    """Base of every part of the spec: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True, defer_build=True)


def _section(model: type[SpecModel], description: str) -> Any:
    """A field that is an empty `model` if it is absent."""
    return Field(default_factory=partial(model.model_validate, {}), description=description)


class HarnessSpec(SpecModel):
    """The agent program and its arguments."""

    name: Literal["claude-code", "codex", "opencode", "pi", "gemini", "goose", "command"] = Field(
        description="The harness. `command` runs a program of your image, which reads the prompt from standard input."
    )
    version: Text | None = Field(None, description="An exact version.")
    args: list[str] = Field([], description="Arguments added after those that unmoor passes.")
    command: list[Text] = Field([], description="The program and its arguments, for `name: command` only.")


class ImageBuild(SpecModel):
    """An image to build from a folder."""

    build: RelativePath = Field(description="A folder with a Dockerfile.")


class ModelSpec(SpecModel):
    """The model that the harness calls through the guard."""

    provider: Literal["anthropic", "openai", "google", "openrouter", "openai-compatible"] = Field(
        description="The API that serves the model."
    )
    name: Text = Field(description="The model's name at that provider.")
    api_key: Name = Field(description="The name of the secret that holds the API key. Only the guard receives it.")
    base_url: Annotated[str, StringConstraints(pattern=URL)] | None = Field(
        None, description="The API's URL. Required for `openai-compatible`."
    )


class InstructionsFile(SpecModel):
    """Instructions in a file."""

    file: RelativePath = Field(description="A UTF-8 text file.")


class RepoSpec(SpecModel):
    """A git repository to clone into the workspace."""

    url: Annotated[str, StringConstraints(pattern=GIT_URL)] = Field(description="Its https URL, without credentials.")
    ref: Annotated[str, StringConstraints(pattern=GIT_REF)] | None = Field(None, description="A branch, tag or commit.")
    path: RelativePath | None = Field(None, description="The path in the workspace. Default: the repository's name.")
    credential: Name | None = Field(None, description="The name of the secret that holds its access token.")


class FileSpec(SpecModel):
    """A file or folder to copy into the workspace."""

    source: RelativePath = Field(description="A file or folder.")
    path: RelativePath | None = Field(None, description="The path in the workspace. Default: the source's name.")


class SkillSpec(SpecModel):
    """A skill to copy to the folder where the harness reads skills."""

    source: RelativePath = Field(description="A folder with a SKILL.md.")


class ContextSpec(SpecModel):
    """The content of the workspace when a run starts."""

    repos: list[RepoSpec] = Field([], description="Git repositories to clone.")
    files: list[FileSpec] = Field([], description="Files and folders to copy. The bundle carries them.")
    skills: list[SkillSpec] = Field([], description="Skills to install. The bundle carries them.")


class McpServerSpec(SpecModel):
    """An MCP server: remote (`url`) or local (`command`)."""

    url: Annotated[str, StringConstraints(pattern=MCP_URL)] | None = Field(None, description="The remote server's URL.")
    headers: dict[Header, OneLine] = Field({}, description="Headers sent to `url`. `${secret:NAME}` inserts a secret.")
    command: list[Text] = Field([], description="The local server's program and arguments.")
    env: dict[Variable, str] = Field(
        {}, description="The local server's environment variables. `${secret:NAME}` inserts a secret."
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> McpServerSpec:
        if (self.url is None) == (not self.command):
            raise ValueError("a server has either url or command; give exactly one")
        if self.url is not None and self.env:
            raise ValueError("env belongs to a server with command; use headers with url")
        if self.command and self.headers:
            raise ValueError("headers belong to a server with url; use env with command")
        return self


class ToolsSpec(SpecModel):
    """Tools beside the harness's own."""

    mcp_servers: dict[Name, McpServerSpec] = Field({}, description="MCP servers by name.")


PAYLOAD = r"^[^{}]*(\{(timestamp|body)\}[^{}]*)+$"


class SignedTimeSpec(SpecModel):
    """The timestamp that a sender signs with the body, so that a replayed old delivery is rejected."""

    header: Header = Field(description="The header that carries the time: Unix seconds or milliseconds, or ISO 8601.")
    payload: Annotated[str, StringConstraints(pattern=PAYLOAD)] | None = Field(
        None, description="The signed text, composed of `{timestamp}` and `{body}`."
    )
    tolerance: Duration | None = Field(None, description="The greatest accepted difference from the current time.")

    @model_validator(mode="after")
    def _signs_both(self) -> SignedTimeSpec:
        if self.payload is not None and not ("{timestamp}" in self.payload and self.payload.count("{body}") == 1):
            raise ValueError("payload needs {timestamp}, and {body} once; write for example {timestamp}.{body}")
        return self


class VerifySpec(SpecModel):
    """How a webhook's sender is verified."""

    scheme: Literal["github", "gitlab", "slack", "stripe", "standard-webhooks", "hmac", "bearer"] = Field(
        description="The sender's signature scheme."
    )
    secret: Name = Field(description="The name of the shared secret.")
    header: Header | None = Field(
        None, description="For `hmac`: the header that carries the signature. Required there."
    )
    algorithm: Literal["sha1", "sha256", "sha512"] | None = Field(None, description="For `hmac`: the hash function.")
    encoding: Literal["hex", "base64"] | None = Field(None, description="For `hmac`: the signature's encoding.")
    prefix: str | None = Field(None, description="For `hmac`: text before the signature, such as `sha256=`.")
    timestamp: SignedTimeSpec | None = Field(
        None, description="For `hmac`: the timestamp that is signed with the body."
    )

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
    """A webhook: how its sender is verified, and which deliveries start a run."""

    verify: VerifySpec | Literal["none"] = Field(
        description="How the sender is verified. `none` lets anyone start a run."
    )
    when: dict[Text, Scalar | list[Scalar]] = Field(
        {}, description="Filters: `header.NAME` or `body.PATH`, with the value or values that start a run."
    )


class ScheduleSpec(SpecModel):
    """A five-field cron expression in a time zone."""

    cron: Text = Field(description="Five fields: minute, hour, day of month, month, day of week.")
    timezone: Text | None = Field(None, description="An IANA time zone.")
    missed: Literal["skip", "run_once"] | None = Field(
        None,
        description="What to do about times missed while nothing could fire: start no run, or one for all of them.",
    )


class EmailSpec(SpecModel):
    """A mailbox. Each new email starts a run."""

    imap: Annotated[str, StringConstraints(pattern=IMAP_HOST)] = Field(
        description="The IMAP server. The connection uses TLS on port 993; another port can be given, and 143 uses "
        "STARTTLS."
    )
    user: Text = Field(description="The mailbox's user name.")
    password: Name = Field(description="The name of the secret that holds its password.")
    allow_from: list[Text] = Field(
        min_length=1, description="Senders that may start a run: addresses, or `*@example.com` for a domain."
    )
    authserv_id: Annotated[str, StringConstraints(pattern=AUTHSERV_ID)] | None = Field(
        None,
        description="The receiving server's name in Authentication-Results headers. Default: any name of the IMAP "
        "server's domain, or `mx.google.com` for Gmail.",
    )
    received_lines_above: Annotated[int, Field(ge=0, le=9)] | None = Field(
        None,
        description="How many Received lines that server puts above its Authentication-Results; lower ones may be the "
        "sender's. Default: 0, as the standard asks, or 1 for Gmail.",
    )
    smtp: Annotated[str, StringConstraints(pattern=IMAP_HOST)] | None = Field(
        None,
        description="The SMTP server that sends the run's answer to the sender, with the same user and password. The "
        "connection uses TLS on port 465; another port can be given, and 587 uses STARTTLS. Default: no answer is "
        "sent.",
    )
    address: Annotated[str, StringConstraints(pattern=ADDRESS)] | None = Field(
        None, description="The mailbox's address, for answers. Default: `user` if that is an address."
    )


class TriggerSpec(SpecModel):
    """An event that starts a run, and the run's prompt."""

    name: Name = Field(description="The trigger's name, part of the webhook's path.")
    webhook: WebhookSpec | None = Field(None, description="Starts a run for an HTTP request.")
    schedule: ScheduleSpec | None = Field(None, description="Starts a run at given times.")
    email: EmailSpec | None = Field(None, description="Starts a run for a new email.")
    prompt: Text = Field(description="The prompt. `{{ event.… }}` inserts values of the event, marked as data.")

    @model_validator(mode="after")
    def _is_one_kind(self) -> TriggerSpec:
        if sum(x is not None for x in (self.webhook, self.schedule, self.email)) != 1:
            raise ValueError("a trigger is one of webhook, schedule, email; give exactly one")
        return self


class RunSpec(SpecModel):
    """How runs are isolated and limited."""

    isolation: Literal["container", "process"] | None = Field(
        None, description="`container`: a new container for each run. `process`: a process in the gateway's container."
    )
    timeout: Duration | None = Field(None, description="After this time a run is stopped with the status timed_out.")
    max_concurrent: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="The greatest number of concurrent runs."
    )
    when_busy: Literal["queue", "skip"] | None = Field(
        None, description="What to do with a trigger while `max_concurrent` runs are active."
    )
    retries: Annotated[int, Field(ge=0, le=10)] | None = Field(
        None,
        description="How often a run is retried after an infrastructure failure. A failing harness is not retried.",
    )
    session: Text | None = Field(
        None,
        description="A session key, as a template. Runs with the same key resume one session. Default: a new session "
        "for each run.",
    )
    max_model_requests: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="The limit of one run's model requests, including failed ones."
    )
    max_cost_usd: Dollars | None = Field(None, description="The limit of one run's spending on its model.")
    artifacts: list[Text] = Field([], description="Globs of workspace files to store as artifacts.")
    max_artifacts: Size | None = Field(
        None, description="The greatest size of a run's artifacts in all; files beyond it are not stored."
    )


class BudgetSpec(SpecModel):
    """The agent's spending limit."""

    per_day_usd: Dollars | None = Field(
        None, description="The limit of all runs' spending on the model in one UTC day."
    )


class SecretSpec(SpecModel):
    """The source of a secret's value, never the value. It is read when the agent is deployed."""

    env: Variable | None = Field(None, description="An environment variable of the deploying user.")
    config: Text | None = Field(None, description="A secret of the stack's Pulumi config.")
    file: RelativePath | None = Field(None, description="A file. One line break at its end is removed.")
    existing: Literal[True] | None = Field(
        None, description="The secret exists in the target's secret store. `targets.<t>.secrets.<name>` names it there."
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
    disk: Size | None = Field(None, description="Scratch space, including the workspace.")
    arch: Literal["amd64", "arm64"] | None = Field(None, description="The processor's architecture.")


class GatewaySpec(SpecModel):
    """The service that receives triggers and serves the API and the page."""

    cpu: Cpu | None = Field(None, description="Processors of one instance.")
    memory: Size | None = Field(None, description="Memory of one instance.")
    min: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="The least number of instances. 0 is possible if a request can start one."
    )
    max: Annotated[int, Field(ge=1, le=100)] | None = Field(None, description="The greatest number of instances.")
    token: Name | None = Field(None, description="The name of the secret that holds the API's token.")


HOST = r"^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"
Host = Annotated[str, StringConstraints(max_length=253, pattern=HOST)]
DOMAIN = HOST.replace(r"(\*\.)?", "")


# The remedy for a text that does not match a pattern.
PATTERN_WORDS = {
    NAME: "write a-z, 0-9 and -, beginning with a letter and not ending with -",
    HOST: "write a host name such as api.example.com, or *.example.com",
    DOMAIN: "write a host name such as agent.example.com",
    URL: "write an http or https URL without credentials, query or fragment",
    GIT_URL: "write an https URL without credentials, such as https://github.com/owner/name",
    MCP_URL: "write an http or https URL without credentials",
    VARIABLE: "write A-Z, a-z, 0-9 and _, not beginning with a digit",
    HEADER: "write a header's name, such as X-Signature",
    PAYLOAD: "write the signed text with {timestamp} and {body}, such as {timestamp}.{body}",
    ONE_LINE: "write one line",
    GIT_REF: "write a branch, tag or commit",
    IMAGE: "write a reference such as registry.example.com/agent:1.0, with @sha256: and its digest to pin it",
    IMAP_HOST: "write a host name, with :port if it is not the default port",
    ADDRESS: "write an address such as agent@example.com",
    AUTHSERV_ID: "write the first name in the Authentication-Results header, such as mx.google.com",
}


class NetworkSpec(SpecModel):
    """The egress allowlist of runs, and the gateway's host name."""

    egress: list[Host] | Literal["any"] | None = Field(None, description="Host names that runs may reach, or `any`.")
    domain: Annotated[str, StringConstraints(max_length=253, pattern=DOMAIN)] | None = Field(
        None, description="The gateway's host name."
    )


class RetentionSpec(SpecModel):
    """How long data is stored."""

    runs: Duration | None = Field(None, description="Runs, their events, artifacts and sessions.")
    logs: Duration | None = Field(None, description="The platform's logs.")


class Spec(SpecModel):
    """One agent."""

    version: Version = Field(description="The version of the spec language.")
    name: AgentName = Field(description="The agent's name.")
    description: str | None = Field(None, description="A description for people.")
    harness: HarnessSpec = Field(description="The agent program.")
    image: ImageName | ImageBuild | None = Field(
        None, description="An image reference or a folder to build. Default: the image that unmoor ships."
    )
    model: ModelSpec | None = Field(None, description="The model. Required unless the harness is `command`.")
    instructions: Text | InstructionsFile | None = Field(None, description="Standing instructions, as text or a file.")
    context: ContextSpec = _section(ContextSpec, "The content of the workspace.")
    tools: ToolsSpec = _section(ToolsSpec, "MCP servers.")
    triggers: list[TriggerSpec] = Field([], description="What starts runs. The HTTP API can always start one too.")
    run: RunSpec = _section(RunSpec, "How runs are isolated and limited.")
    budget: BudgetSpec = _section(BudgetSpec, "The spending limit.")
    secrets: dict[Name, SecretSpec] = Field({}, description="Every secret, by name.")
    resources: ResourcesSpec = _section(ResourcesSpec, "The size of a run.")
    gateway: GatewaySpec = _section(GatewaySpec, "The size of the gateway.")
    network: NetworkSpec = Field(
        default_factory=partial(NetworkSpec.model_validate, {}),
        description="The egress allowlist and the gateway's name.",
    )
    retention: RetentionSpec = _section(RetentionSpec, "How long data is stored.")
    environments: dict[Name, dict[str, Any]] = Field({}, description="Changes merged over the spec for `-e NAME`.")
    targets: dict[Name, dict[str, Any]] = Field({}, description="Settings of each target.")
