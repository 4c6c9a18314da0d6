"""Azure's health checks of the gateway."""

from __future__ import annotations

import pulumi_azure_native as az

from unmoor.container import GATEWAY_PORT, HEALTH_PATH, READY_PATH


def probes() -> list[az.app.ContainerAppProbeArgsDict]:
    """Startup within 100 s, then liveness and readiness; by default Azure would request `/`."""
    return [
        _probe("Startup", HEALTH_PATH, failures=10),
        _probe("Liveness", HEALTH_PATH, failures=3),
        _probe("Readiness", READY_PATH, failures=3),
    ]


def _probe(kind: str, path: str, *, failures: int) -> az.app.ContainerAppProbeArgsDict:
    return {
        "type": kind,
        "http_get": {"port": GATEWAY_PORT, "path": path, "scheme": "HTTP"},
        "period_seconds": 10,
        "timeout_seconds": 5,
        "failure_threshold": failures,
    }
