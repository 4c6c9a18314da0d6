"""The keys of the store: the same on every backend, so that moving to another cloud copies a prefix."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta

# Ids count down, so that a listing starts with the newest run.
LAST_MS = 32**9 - 1
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
# A file's name may have 255 bytes, and a key of Amazon's, Google's and Microsoft's stores 1024.
LONGEST_PART, LONGEST_PATH = 240, 900
RUN_ID = re.compile(rf"run-[{DIGITS}]{{9}}-[{DIGITS}]{{7}}")


def run_id(now: datetime, entropy: int | None = None) -> str:
    """A new run's id: sorts before every older one's; `entropy` is at least 35 random bits."""
    past = int(now.timestamp() * 1000)
    return f"run-{_digits(LAST_MS - past, 9)}-{_digits(secrets.randbits(35) if entropy is None else entropy, 7)}"


def creation_time(run: str) -> datetime:
    """The time in a run's id, to the millisecond."""
    past = LAST_MS - int(run.split("-")[1].translate(_BASE_32), 32)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=past)


def run_record_key(run: str) -> str:
    return f"runs/{run}/run.json"


def cancel_key(run: str) -> str:
    """Exists once the run's cancellation is requested. A runner polls for it where that costs nothing, or where no
    gateway can stop its container; every runner also reads the flag in its record."""
    return f"runs/{run}/cancel"


def events_prefix(run: str) -> str:
    return f"runs/{run}/events/"


def event_segment_key(run: str, number: int) -> str:
    return f"{events_prefix(run)}{number:08}.ndjson"


def first_event(segment: str) -> int:
    """The number of a segment's first event."""
    return int(segment.rsplit("/", 1)[1].split(".")[0])


def artifact_key(run: str, path: str) -> str:
    return f"runs/{run}/artifacts/{_encode_path(path)}"


def input_key(run: str, path: str) -> str:
    """The key of a file that is copied into the run's workspace before it starts."""
    return f"runs/{run}/inputs/{_encode_path(path)}"


def session_digest(key: str) -> str:
    """A session's folder name; any text can be a session's key."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def session_record_key(key: str) -> str:
    return f"sessions/{session_digest(key)}/session.json"


def session_state_key(key: str, run: str) -> str:
    """The archive of the session after this run; the previous run's stays until this one is complete."""
    return f"sessions/{session_digest(key)}/{run}.tar.zst"


def queue_entry_key(run: str) -> str:
    return f"queue/{run}"


def schedule_dedup_key(trigger: str, delivery: str) -> str:
    """The dedup key of a fire time that the platform delivers, possibly twice."""
    return f"queue/fired/{trigger}/{hashlib.sha256(delivery.encode()).hexdigest()[:32]}"


DELIVERIES = "deliveries/"
# No trigger's name starts with an underscore.
DELIVERY_LOG = f"{DELIVERIES}_log/"


def delivery_dedup_key(trigger: str, name: str) -> str:
    """The dedup key of a delivery; its object names the run."""
    return f"{DELIVERIES}{trigger}/{name}.json"


def delivery_log_key(now: datetime, entropy: int) -> str:
    """A new object of the delivery log; a listing starts with the newest. A folder covers 9 hours."""
    name = run_id(now, entropy).removeprefix("run-")
    return f"{DELIVERY_LOG}{name[:4]}/{name}.ndjson"


def mailbox_cursor_key(trigger: str) -> str:
    """The cursor of an inbox: the last email that is done."""
    return f"queue/mailboxes/{trigger}"


OUTBOX = "queue/outbox/"


def outbox_key(run: str) -> str:
    """The reply to an email, until it is sent."""
    return OUTBOX + run


def schedule_cursor_key(trigger: str) -> str:
    """The cursor of a schedule: the last fire time that is done."""
    return f"queue/schedules/{trigger}"


def bundle_key(sha256: str) -> str:
    return f"bundles/{sha256}.tar"


def bundle_prefix(sha256: str) -> str:
    """The prefix of the same bundle under unique names."""
    return f"bundles/{sha256}/"


_BASE_32 = str.maketrans(DIGITS, "0123456789abcdefghijklmnopqrstuv")


def _digits(number: int, length: int) -> str:
    text = ""
    for _ in range(length):
        number, digit = divmod(number, 32)
        text = DIGITS[digit] + text
    return text


def _encode_path(path: str) -> str:
    """The path with every byte that a key cannot hold as `=XX`. Names and keys that are too long for a file system or a
    bucket are cut, and end in `=-` and a digest."""
    key = "/".join(_shorten(_escape(part), LONGEST_PART) for part in path.split("/"))
    return _shorten(key, LONGEST_PATH)


def _shorten(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: most - 18].rstrip('/')}=-{digest}"


def _escape(part: str) -> str:
    return re.sub(rb"[^A-Za-z0-9._-]", lambda m: b"=%02X" % m[0][0], part.encode("utf-8", "surrogateescape")).decode()
