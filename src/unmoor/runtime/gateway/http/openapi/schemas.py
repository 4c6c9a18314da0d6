"""The schemas of requests and responses."""

from __future__ import annotations

from typing import get_args

from unmoor.runtime.events import FINAL_STATUSES
from unmoor.runtime.gateway.http.requests import MOST_SESSION
from unmoor.runtime.state.delivery_log import Outcome
from unmoor.runtime.state.delivery_pages import KINDS
from unmoor.runtime.state.keys import RUN_ID

from .builders import TEXT, Values, ref

NUMBER: Values = {"type": "integer", "minimum": 0}
TIME: Values = {"type": "string", "format": "date-time"}
MAYBE_TIME: Values = {"type": ["string", "null"], "format": "date-time"}
MONEY: Values = {"type": ["string", "null"], "description": "US dollars, exact; null where nothing was priced"}
CURSOR: Values = {"type": ["string", "null"], "description": "The cursor of the next page; null on the last one"}
ID: Values = {"type": "string", "pattern": f"^{RUN_ID.pattern}$"}


def object_schema(properties: Values, *optional: str) -> Values:
    """An object with exactly these members."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


SCHEMAS: Values = {
    "Status": {"enum": ["queued", "running", *FINAL_STATUSES]},
    "NewRun": object_schema(
        {
            "prompt": {"type": "string", "minLength": 1, "pattern": r"\S", "description": "The task for the agent"},
            "session": {
                "type": ["string", "null"],
                "maxLength": MOST_SESSION,
                "description": "Runs of one session share a conversation and a workspace, and run one after another",
            },
        },
        "session",
    ),
    "Started": object_schema({"id": ID, "status": ref("Status")}),
    "Usage": object_schema(
        dict.fromkeys(("input", "cached_input", "cache_write", "output", "reasoning", "requests"), NUMBER)
    ),
    "Artifact": object_schema({"path": TEXT, "size_bytes": NUMBER, "sha256": TEXT}),
    "Run": object_schema(
        {
            "id": ID,
            "agent": TEXT,
            "environment": TEXT,
            "bundle": TEXT,
            "status": ref("Status"),
            "reason": {"type": "string", "description": "Why it ended this way; empty for a run that succeeded"},
            "trigger": object_schema({"name": TEXT, "kind": TEXT}),
            "prompt": TEXT,
            "session": TEXT,
            "delivery": TEXT,
            "harness": object_schema({"name": TEXT, "version": TEXT}),
            "model": {"oneOf": [object_schema({"provider": TEXT, "name": TEXT}), {"type": "null"}]},
            "created_at": TIME,
            "started_at": MAYBE_TIME,
            "ended_at": MAYBE_TIME,
            "attempt": NUMBER,
            "answer": TEXT,
            "usage": ref("Usage"),
            "cost_usd": MONEY,
            "confinement": TEXT,
            "inputs": {"type": "array", "items": ref("Artifact")},
            "artifacts": {"type": "array", "items": ref("Artifact")},
        }
    ),
    "Runs": object_schema({"runs": {"type": "array", "items": ref("Run")}, "next_cursor": CURSOR}),
    "Event": {
        "type": "object",
        "description": "An event also has the members of its type",
        "required": ["n", "at", "type"],
        "properties": {"n": {"type": "integer", "minimum": 1}, "at": TEXT, "type": TEXT},
    },
    "Events": object_schema(
        {
            "events": {"type": "array", "items": ref("Event")},
            "next": {**NUMBER, "description": "The next `after`"},
            "done": {"type": "boolean", "description": "Whether these are the last events"},
        }
    ),
    "StreamPart": {
        "description": "A server-sent event with the number and type of the run's event; the last one is `end`",
        **object_schema(
            {"id": TEXT, "event": TEXT, "data": TEXT, "retry": {"type": ["integer", "string"]}}, "id", "retry"
        ),
    },
    "Delivery": object_schema(
        {
            "id": TEXT,
            "trigger": TEXT,
            "kind": {"enum": [*KINDS]},
            "at": TIME,
            "outcome": {"enum": [*get_args(Outcome)]},
            "reason": TEXT,
            "run": {"type": "string", "description": "The run that it started; empty where it started none"},
            "times": {"type": "integer", "minimum": 1, "description": "How many equal ones arrived within a minute"},
        }
    ),
    "Deliveries": object_schema({"deliveries": {"type": "array", "items": ref("Delivery")}, "next_cursor": CURSOR}),
    "Outcome": object_schema({"id": ID, "status": ref("Status"), "response": TEXT, "reason": TEXT, "cost_usd": MONEY}),
    "Ping": object_schema({"status": {"enum": ["Healthy", "HealthyBusy"]}, "time_of_last_update": NUMBER}),
    "Error": object_schema({"error": object_schema({"status": {"type": "integer"}, "message": TEXT})}),
}
