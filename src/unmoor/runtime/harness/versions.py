"""The version of each harness that this release is tested with."""

from __future__ import annotations

from collections.abc import Mapping

HARNESS_VERSIONS: Mapping[str, str] = {
    "claude-code": "2.1.330",
    "codex": "0.169.0",
    "opencode": "1.18.33",
    "pi": "0.87.1",
    "gemini": "0.61.0",
    "goose": "1.52.0",
    "command": "none",
}
