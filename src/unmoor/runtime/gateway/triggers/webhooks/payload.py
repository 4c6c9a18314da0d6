"""What a webhook's body says, as the event that prompts and filters read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 1000
# Beside UTF-8. Of all that Python knows, some take very long, and some are not of text.
CHARSETS = ("us-ascii", "iso-8859-1", "latin-1", "iso-8859-15", "windows-1252", "utf-16")


class InvalidPayload(Exception):
    """A body that is not what its content type says; one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPayload:
    """What came. `typed` is false where all values are text because they come of a form."""

    value: Any
    typed: bool = True

    def text(self, name: str) -> str:
        """The member of that name, where it is a text that is not empty; nothing otherwise."""
        value = self.value.get(name) if isinstance(self.value, dict) else None
        return value if isinstance(value, str) else ""


def parse_payload(content_type: str, body: bytes) -> WebhookPayload:
    """JSON as it is, the fields of a form, or the body's text; an empty object where there is none.

    A form whose field `payload` is JSON is that: so Slack sends interactions, and GitHub what it is told to send as a
    form. JSON is also taken for what it is where the type says otherwise, as `curl -d` does.
    """
    kind, charset = _kind(content_type)
    if not body.strip():
        return WebhookPayload(value={})
    if kind == "application/json" or kind.endswith("+json"):
        return WebhookPayload(value=_json(body))
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            return WebhookPayload(value=_json(body))
        except InvalidPayload:
            pass  # then it is a form or a text that begins like that
    return _form(body) if kind == FORM else WebhookPayload(value=_text(body, charset))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidPayload("the body is no JSON, which its content type says that it is") from None


def _form(body: bytes) -> WebhookPayload:
    try:
        pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise InvalidPayload(f"the form has more than {MOST_FIELDS} fields") from None
    fields: dict[str, Any] = {}
    for name, value in pairs:
        fields[name] = [*_listed(fields[name]), value] if name in fields else value
    if isinstance(payload := fields.get("payload"), str) and payload[:1] == "{":
        return WebhookPayload(value=_json(payload.encode(errors="replace")))
    return WebhookPayload(value=fields, typed=False)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(body: bytes, charset: str) -> str:
    return body.decode(charset if charset.lower() in CHARSETS else "utf-8", errors="replace")


def _kind(content_type: str) -> tuple[str, str]:
    message = Message()
    message["content-type"] = content_type.replace("\r", " ").replace("\n", " ")
    charset = message.get_param("charset", "utf-8")
    return content_type.partition(";")[0].strip().lower(), charset if isinstance(charset, str) else "utf-8"
