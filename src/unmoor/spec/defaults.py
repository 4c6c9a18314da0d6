"""The default of every absent field of the spec, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from unmoor.runtime.config import DAY_CAP, RUN_CAP

# Each provider's API. `openai-compatible` has no URL of its own, so the spec must give one.
MODEL_BASE_URLS = MappingProxyType(
    {
        "anthropic": "https://api.anthropic.com",
        "openai": "https://api.openai.com/v1",
        "google": "https://generativelanguage.googleapis.com",
        "openrouter": "https://openrouter.ai/api/v1",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """A spec path, its value if it is absent, and the reason."""

    path: str
    value: object
    reason: str


_TABLE = (
    Default(path="description", value="", reason="the name is enough"),
    Default(path="harness.version", value="tested", reason="the version that this release is tested with"),
    Default(path="image", value="shipped", reason="one image for each harness version serves every agent"),
    Default(path="model.base_url", value="provider", reason="the provider's own URL"),
    Default(path="context.repos.ref", value="HEAD", reason="the repository's default branch"),
    Default(path="triggers.schedule.timezone", value="UTC", reason="every target supports it"),
    Default(path="triggers.webhook.verify.algorithm", value="sha256", reason="most senders use it"),
    Default(path="triggers.webhook.verify.encoding", value="hex", reason="most senders use it"),
    Default(
        path="triggers.webhook.verify.timestamp.payload", value="{timestamp}.{body}", reason="most senders sign it"
    ),
    Default(path="triggers.webhook.verify.timestamp.tolerance", value=300, reason="most senders recommend it"),
    Default(path="triggers.schedule.missed", value="skip", reason="cron and every platform's scheduler do the same"),
    Default(path="triggers.email.imap.port", value=993, reason="IMAP over TLS"),
    Default(path="triggers.email.smtp.port", value=465, reason="submission over TLS"),
    Default(path="run.isolation", value="container", reason="one run must not see another"),
    Default(path="run.timeout", value=1800, reason="long enough for a task, short enough to limit its cost"),
    Default(path="run.max_concurrent", value=4, reason="a burst of events must not become a burst of cost"),
    Default(path="run.when_busy", value="queue", reason="no accepted trigger is lost"),
    Default(path="run.retries", value=1, reason="one lost machine should not lose a run"),
    Default(path="run.session", value=None, reason="runs are independent"),
    Default(path="run.max_model_requests", value=2000, reason="a long task needs a few hundred; a loop has no end"),
    Default(path=RUN_CAP, value=None, reason="no limit unless one is set"),
    Default(path=DAY_CAP, value=None, reason="no limit unless one is set"),
    Default(path="run.max_artifacts", value=1024, reason="more is mostly a mistake in a glob, or a sparse file"),
    Default(path="resources.cpu", value=Decimal(1), reason="harnesses mostly wait for the model"),
    Default(path="resources.memory", value=2048, reason="the largest harness needs 630 MB, and tools need memory too"),
    Default(path="resources.disk", value=4096, reason="every target offers it with one processor"),
    Default(path="resources.arch", value="amd64", reason="every target offers it"),
    Default(path="gateway.cpu", value=Decimal("0.25"), reason="it mostly forwards requests"),
    Default(path="gateway.memory", value=512, reason="the least that every target accepts"),
    Default(path="gateway.min", value=0, reason="an idle agent costs nothing if a request can start its gateway"),
    Default(path="gateway.max", value=2, reason="a second instance while one is replaced"),
    Default(path="gateway.token", value="gateway-token", reason="generated when the agent is deployed"),
    Default(path="guard.cpu", value=Decimal("0.25"), reason="it forwards streams; not a setting"),
    Default(path="guard.memory", value=512, reason="200 streams and a margin; not a setting"),
    Default(path="network.egress", value=(), reason="a run reaches only the model, through the guard"),
    Default(path="network.domain", value=None, reason="the platform assigns a name"),
    Default(path="retention.runs", value=30 * 86400, reason="a month"),
    Default(path="retention.logs", value=30 * 86400, reason="a month"),
)

DEFAULTS = MappingProxyType({d.path: d for d in _TABLE})


def default(path: str) -> object:
    """The value for an absent field; KeyError for a path that has no default."""
    return DEFAULTS[path].value
