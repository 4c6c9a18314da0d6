"""A container's inputs in the words of Docker's API.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerCreate
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from frame import Values

UNITS = {"h": 3600, "m": 60, "s": 1, "ms": Decimal("0.001")}


def config(inputs: Values) -> dict[str, Any]:
    """All of it but the name and the networks that are joined later."""
    made = {
        "Image": inputs["image"],
        "Cmd": inputs.get("command"),
        "Entrypoint": inputs.get("entrypoints"),
        "Env": inputs.get("envs"),
        "User": inputs.get("user"),
        "Labels": {label["label"]: label["value"] for label in inputs.get("labels", [])},
        "StopTimeout": inputs.get("stopTimeout"),
        "Healthcheck": _health(inputs.get("healthcheck")),
        "ExposedPorts": {_port(p): {} for p in inputs.get("ports", [])},
        "HostConfig": _host(inputs),
    }
    return {k: v for k, v in made.items() if v is not None}


def nanoseconds(text: str) -> int:
    """A duration as Go writes it."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|m|s)", text)
    if "".join(n + u for n, u in parts) != text:
        raise ValueError(f"time: invalid duration {text!r}")
    return int(sum(Decimal(number) * UNITS[unit] for number, unit in parts) * 1_000_000_000)


def _host(inputs: Values) -> dict[str, Any]:
    capabilities = inputs.get("capabilities", {})
    mib = 1024 * 1024
    return {
        "ReadonlyRootfs": inputs["readOnly"],
        "Init": inputs.get("init", False),
        "AutoRemove": inputs["rm"],
        "Tmpfs": inputs.get("tmpfs"),
        "Mounts": [_mount(m) for m in inputs.get("mounts", [])],
        "CapAdd": capabilities.get("adds"),
        "CapDrop": capabilities.get("drops"),
        "SecurityOpt": inputs.get("securityOpts"),
        "Ulimits": [{"Name": u["name"], "Soft": u["soft"], "Hard": u["hard"]} for u in inputs.get("ulimits", [])],
        "NanoCpus": int(Decimal(inputs.get("cpus", "0")) * 1_000_000_000),
        "Memory": inputs.get("memory", 0) * mib,
        "MemorySwap": inputs.get("memorySwap", 0) * mib,
        "RestartPolicy": {"Name": inputs["restart"], "MaximumRetryCount": inputs.get("maxRetryCount", 0)},
        "LogConfig": {"Type": inputs.get("logDriver", ""), "Config": inputs.get("logOpts", {})},
        "NetworkMode": inputs["networkMode"],
        "PortBindings": {
            _port(p): [{"HostIp": p.get("ip", "0.0.0.0"), "HostPort": str(p["external"])}]
            for p in inputs.get("ports", [])
        },
    }


def _mount(mount: dict[str, Any]) -> dict[str, Any]:
    unknown = mount.keys() - {"type", "source", "target", "readOnly"}
    if unknown:
        raise ValueError(f"the tests' provider does not know {', '.join(sorted(unknown))} of a mount")
    return {
        "Type": mount["type"],
        "Source": mount.get("source", ""),
        "Target": mount["target"],
        "ReadOnly": mount.get("readOnly", False),
    }


def _port(port: dict[str, Any]) -> str:
    return f"{port['internal']}/{port.get('protocol', 'tcp')}"


def _health(check: dict[str, Any] | None) -> dict[str, Any] | None:
    if check is None:
        return None
    if "startInterval" in check:
        raise ValueError("specify health-check start interval requires API version 1.44")
    return {
        "Test": check["tests"],
        "Interval": nanoseconds(check.get("interval", "0s")),
        "Timeout": nanoseconds(check.get("timeout", "0s")),
        "StartPeriod": nanoseconds(check.get("startPeriod", "0s")),
        "Retries": check.get("retries", 0),
    }
