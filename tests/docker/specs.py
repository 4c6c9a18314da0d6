"""The agent that the tests deploy, and what is sent to it."""

from __future__ import annotations

from typing import Any

SECRET = "the-hooks-secret"
EVENT = {"action": "opened", "issue": {"number": 7, "html_url": "https://example.com/7"}}
# Says of each place that it is given whether a connection can be made to it.
PROBE = """
import socket, sys
for place in sys.argv[1:]:
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
        print(place, "reached")
    except OSError as error:
        print(place, "not reached")
"""


def spec(name: str, image: str, caddy: str, **parts: Any) -> dict[str, Any]:
    """An agent whose harness does what the prompt says, in a shell."""
    return {
        "version": 1,
        "name": name,
        "harness": {"name": "command", "command": ["sh", "-c", "mkdir -p out; hostname > out/host; exec sh"]},
        "image": image,
        "run": {"artifacts": ["out/**"], "max_concurrent": 2, "timeout": "5m"},
        "gateway": {"min": 2, "max": 2},
        "resources": {"memory": "256Mi", "disk": "1Gi"},
        "triggers": [
            {
                "name": "github",
                "webhook": {"verify": {"scheme": "github", "secret": "hook"}, "when": {"body.action": "opened"}},
                "prompt": "echo issue {{ event.issue.number }} | tee out/issue",
            }
        ],
        "secrets": {"hook": {"env": "HOOK_SECRET"}},
        "targets": {"vm-docker": {"host": "local", "caddy_image": caddy}},
        **parts,
    }
