"""The remedy of a provider's error: the target's own hints first, then those of all platforms."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence

from unmoor.errors import UnmoorError
from unmoor.target import CredentialsHint, FailureHint
from unmoor.target.registry import load

RIGHTS = re.compile(r"AccessDenied|is not authorized to perform|AuthorizationFailed|PERMISSION_DENIED|\b403\b")
# The right that the platform names: AWS, Resource Manager and Key Vault, Google's APIs and Cloud Storage.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
# https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
# https://docs.cloud.google.com/iam/docs/permission-error-messages
NAMED_RIGHT = re.compile(
    r"not authorized to perform: (?P<aws>\w+:\w+)"
    r"|[Aa]ction(?:\(s\))?:? '(?P<azure>Microsoft\.[\w./]+)'"
    r"|[Pp]ermission:? '(?P<google>\w+\.\w+\.\w+)'"
    r"|'?(?P<storage>\w+\.\w+\.\w+)'? (?:permission|access)",
    re.IGNORECASE,
)
QUOTA = re.compile(r"LimitExceeded|QuotaExceeded|quota|TooMany\w*Exception|VcpuLimit", re.IGNORECASE)
EXISTS = re.compile(r"already exists|AlreadyExists|AlreadyOwnedByYou|already own|ResourceExists", re.IGNORECASE)


def remedy_of(text: str, target: str) -> str:
    """What to do about a provider's message, beginning with a semicolon; empty if nothing is known."""
    credentials = _credentials_hint(target)
    if credentials is not None and re.search(credentials.pattern, text, re.IGNORECASE):
        return f"; {credentials.remedy}, then run unmoor doctor"
    if hint := matching_hint(text, target_hints(target)):
        return f"; {hint.remedy}"
    if RIGHTS.search(text):
        return f"; {_rights_remedy(text, target)}"
    if EXISTS.search(text):
        return "; if a killed command left it, delete it in the cloud and run this again; else rename the agent"
    return "; request a larger quota or a smaller size" if QUOTA.search(text) else ""


def target_hints(target: str) -> tuple[FailureHint, ...]:
    """The target's own hints; none for an unknown target."""
    with contextlib.suppress(UnmoorError):
        return load(target).failure_hints
    return ()


def matching_hint(text: str, hints: Sequence[FailureHint]) -> FailureHint | None:
    """The first hint that matches the message."""
    return next((hint for hint in hints if re.search(hint.pattern, text, re.IGNORECASE)), None)


def passing_hints(messages: Sequence[str], hints: Sequence[FailureHint]) -> tuple[FailureHint, ...]:
    """The hints that match the messages, if every message has one that passes with time; else none."""
    found = [matching_hint(message, hints) for message in messages]
    passing = [hint for hint in found if hint is not None and hint.wait_s]
    return tuple(dict.fromkeys(passing)) if len(passing) == len(messages) else ()


def _rights_remedy(text: str, target: str) -> str:
    found = NAMED_RIGHT.search(text)
    if found is None:
        return "docs/deploying lists the permissions that the deploying user needs"
    right = next(group for group in found.groups() if group)
    role = f"the role that unmoor rights -t {target} prints has it (docs/deployers/{target}.json)"
    return f"the deploying user lacks {right}: {role}"


def _credentials_hint(target: str) -> CredentialsHint | None:
    with contextlib.suppress(UnmoorError):
        return load(target).credentials_hint
    return None
