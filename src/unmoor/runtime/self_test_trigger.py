"""A run that proves the way from a webhook to a run's end: it starts no harness and asks no model, so it costs a
container's few seconds, and nothing of what an agent could do is done.

Its webhook is every gateway's own. What is sent to it is signed with the token that opens the API.
"""

from __future__ import annotations

from .config import Trigger, Verify, Webhook

# No trigger of a spec's has a name that begins like that.
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
PROMPT = "A self-test: no harness is started, and no model is asked."
TRIGGER = Trigger(name=NAME, kind=KIND, prompt=PROMPT)
WEBHOOK = Webhook(name=NAME, prompt=PROMPT, verify=VERIFY, when=())
WHOLE = "A run was accepted, started, reached its guard and the store, and ended."
