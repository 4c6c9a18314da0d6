"""Every default, with its reason: the one place where an absent field of the spec is decided."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from unmoor.runtime.config import DAY_CAP, RUN_CAP

# Where each provider's API lies; `openai-compatible` has no address of its own, so the spec must give one.
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
    """A spec path, what it becomes when it is absent, and why."""

    path: str
    value: object
    reason: str


_TABLE = (
    Default(path="description", value="", reason="a name is enough"),
    Default(path="harness.version", value="tested", reason="the version that this release was tested with"),
    Default(path="image", value="shipped", reason="one image per harness version serves every agent"),
    Default(path="model.base_url", value="provider", reason="the provider's own address"),
    Default(path="context.repos.ref", value="HEAD", reason="the repository's default branch"),
    Default(path="triggers.schedule.timezone", value="UTC", reason="the one zone that every target has"),
    Default(path="triggers.webhook.verify.algorithm", value="sha256", reason="for hmac: what most senders use"),
    Default(path="triggers.webhook.verify.encoding", value="hex", reason="for hmac: what most senders use"),
    Default(
        path="triggers.webhook.verify.timestamp.payload", value="{timestamp}.{body}", reason="what most senders sign"
    ),
    Default(path="triggers.webhook.verify.timestamp.tolerance", value=300, reason="5m: what most senders advise"),
    Default(
        path="triggers.schedule.missed", value="skip", reason="what every cron does, and every platform's scheduler"
    ),
    Default(path="triggers.email.imap.port", value=993, reason="IMAP over TLS"),
    Default(path="triggers.email.smtp.port", value=465, reason="submission over TLS"),
    Default(path="run.isolation", value="container", reason="one run must not see another"),
    Default(path="run.timeout", value=1800, reason="30m: long enough for a task, short enough for a bill"),
    Default(path="run.max_concurrent", value=4, reason="a burst of events must not become a burst of costs"),
    Default(path="run.when_busy", value="queue", reason="nothing accepted is lost"),
    Default(path="run.retries", value=1, reason="one lost machine should not lose a run"),
    Default(path="run.session", value=None, reason="each run starts afresh"),
    Default(path=RUN_CAP, value=None, reason="no cap unless one is set"),
    Default(path=DAY_CAP, value=None, reason="no cap unless one is set"),
    Default(path="resources.cpu", value=Decimal(1), reason="harnesses wait for the model most of the time"),
    Default(path="resources.memory", value=2048, reason="2Gi: the largest harness needs 630 MB, and tools need room"),
    Default(path="resources.disk", value=4096, reason="4Gi: what every target has for one processor"),
    Default(path="resources.arch", value="amd64", reason="the one architecture that every target has"),
    Default(path="gateway.cpu", value=Decimal("0.25"), reason="it answers and hands on"),
    Default(path="gateway.memory", value=512, reason="512Mi: the least that every target takes"),
    Default(path="gateway.min", value=0, reason="nothing runs, nothing is paid, where a request can wake it"),
    Default(path="gateway.max", value=2, reason="one more while another is replaced"),
    Default(path="gateway.token", value="gateway-token", reason="generated when the agent is deployed"),
    Default(path="guard.cpu", value=Decimal("0.25"), reason="it passes streams through; not a setting"),
    Default(path="guard.memory", value=512, reason="512Mi: 200 streams and a margin; not a setting"),
    Default(path="network.egress", value=(), reason="nothing but the model, which is reached through the guard"),
    Default(path="network.domain", value=None, reason="the platform's own name"),
    Default(path="retention.runs", value=30 * 86400, reason="30d"),
    Default(path="retention.logs", value=30 * 86400, reason="30d"),
)

DEFAULTS = MappingProxyType({d.path: d for d in _TABLE})


def default(path: str) -> object:
    """The value for an absent field; KeyError for a path that has no default."""
    return DEFAULTS[path].value
