"""Parses a webhook's body into the event that prompts and filters read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 1000
# Beside UTF-8. Other codecs of Python may be slow, or not for text.
CHARSETS = ("us-ascii", "iso-8859-1", "latin-1", "iso-8859-15", "windows-1252", "utf-16")


class InvalidPayload(Exception):
    """A body that does not match its content type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPayload:
    """A parsed body. `typed` is false for forms, whose values are all text."""

    value: Any
    typed: bool = True

    def text(self, name: str) -> str:
        """The member of this name if it is a text, otherwise an empty text."""
        value = self.value.get(name) if isinstance(self.value, dict) else None
        return value if isinstance(value, str) else ""


def parse_payload(content_type: str, body: bytes) -> WebhookPayload:
    """Parses JSON, a form, or plain text; an empty body is an empty object.

    A form whose field `payload` is JSON is that JSON: Slack sends interactions this way, and GitHub its form content
    type. JSON is recognized whatever the content type, because `curl -d` sends it as a form.
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
            pass  # a form or a text that starts like JSON
    return _form(body) if kind == FORM else WebhookPayload(value=_text(body, charset))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidPayload("the body is not JSON, although its content type is JSON") from None


def _form(body: bytes) -> WebhookPayload:
    try:
        pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise InvalidPayload(f"the form has more than {MOST_FIELDS} fields") from None
    fields: dict[str, Any] = {}
    for name, value in pairs:
        fields[name] = [*_as_list(fields[name]), value] if name in fields else value
    if isinstance(payload := fields.get("payload"), str) and payload[:1] == "{":
        return WebhookPayload(value=_json(payload.encode(errors="replace")))
    return WebhookPayload(value=fields, typed=False)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(body: bytes, charset: str) -> str:
    return body.decode(charset if charset.lower() in CHARSETS else "utf-8", errors="replace")


def _kind(content_type: str) -> tuple[str, str]:
    message = Message()
    message["content-type"] = content_type.replace("\r", " ").replace("\n", " ")
    charset = message.get_param("charset", "utf-8")
    return content_type.partition(";")[0].strip().lower(), charset if isinstance(charset, str) else "utf-8"
