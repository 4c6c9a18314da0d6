"""The built-in trigger of a self-test: a webhook of every gateway, signed with the API token.

Its run starts no harness and calls no model, so it costs a few seconds of a container. The runner's side is
run/self_test.py; `unmoor verify` sends the webhook (operate/self_test.py).
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
