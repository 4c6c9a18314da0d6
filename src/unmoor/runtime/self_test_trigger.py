"""The self-test: a run that proves the path from a webhook to a run's end, without a harness or a model.

Every gateway has its webhook, whose deliveries are signed with the API token.
"""

from __future__ import annotations

from .config import Trigger, Verify, Webhook

# No trigger in a spec has a name that starts with an underscore.
NAME, KIND = "_self-test", "self-test"
VERIFY = Verify(
    scheme="hmac",
    secret="",
    header="X-Unmoor-Signature",
    algorithm="sha256",
    encoding="hex",
    prefix="",
    timestamp="X-Unmoor-Timestamp",
    payload="{timestamp}.{body}",
    tolerance_s=300,
)
TRIGGER = Trigger(name=NAME, kind=KIND, prompt="A self-test: it starts no harness and calls no model.")
WEBHOOK = Webhook(name=NAME, verify=VERIFY, when=())
WHOLE = "A run was accepted, started, reached its guard and the store, and ended."
