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
PROMPT = "A self-test: it starts no harness and calls no model."
TRIGGER = Trigger(name=NAME, kind=KIND, prompt=PROMPT)
WEBHOOK = Webhook(name=NAME, prompt=PROMPT, verify=VERIFY, when=())
WHOLE = "A run was accepted, started, reached its guard and the store, and ended."
