"""A container as Docker has it, in the words of its inputs: what a read gives, and what is compared with the inputs.

Where Docker writes something another way than it was asked, the inputs have to be written Docker's way, or every
preview shows a change: https://github.com/kreuzwerker/terraform-provider-docker/blob/v4.5.0/internal/provider/resource_docker_container_funcs.go
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from frame import Values

MIB = 1024 * 1024


def seen(found: dict[str, Any], inputs: Values) -> Values:
    """What is read of it."""
    host, made = found["HostConfig"], found["Config"]
    is_up = found["State"]["Running"]
    values = {
        "name": found["Name"].lstrip("/"),
        "image": found["Image"] if str(inputs.get("image")).startswith("sha256:") else made["Image"],
        "command": made["Cmd"],
        "entrypoints": made["Entrypoint"],
        "user": made["User"],
        "stopTimeout": made.get("StopTimeout"),
        "healthcheck": _health(made.get("Healthcheck")),
        "readOnly": host["ReadonlyRootfs"],
        "init": host.get("Init"),
        "tmpfs": host.get("Tmpfs"),
        "mounts": [_mount(m) for m in host.get("Mounts") or []],
        "capabilities": {"adds": host.get("CapAdd"), "drops": host.get("CapDrop")},
        "securityOpts": host.get("SecurityOpt"),
        "ulimits": [{"name": u["Name"], "soft": u["Soft"], "hard": u["Hard"]} for u in host.get("Ulimits") or []],
        "cpus": cpus(host["NanoCpus"]),
        "memory": host["Memory"] // MIB,
        "memorySwap": host["MemorySwap"] // MIB,
        "restart": host["RestartPolicy"]["Name"],
        "logDriver": host["LogConfig"]["Type"],
        "logOpts": host["LogConfig"]["Config"] if inputs.get("logOpts") else None,
        "networkMode": host["NetworkMode"],
        "mustRun": bool(inputs.get("mustRun", True) and is_up),
    }
    if (is_up or inputs.get("mustRun", True)) and inputs.get("ports"):
        values["ports"] = _ports(found["NetworkSettings"]["Ports"] or {})
    return {k: v for k, v in values.items() if v is not None}


def cpus(nano: int) -> str | None:
    """A share of processors as the provider writes it back."""
    return format((Decimal(nano) / 1_000_000_000).normalize(), "f") if nano else None


def go_duration(nanoseconds: int) -> str:
    """A duration as Go writes it: https://pkg.go.dev/time#Duration.String"""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    if not seconds:
        return f"{rest // 1_000_000}ms" if rest else "0s"
    hours, minutes, left = seconds // 3600, seconds // 60 % 60, seconds % 60
    whole = f"{left}" if not rest else f"{left + rest / 1e9:g}"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes or hours else "") + f"{whole}s"


def _mount(mount: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": mount["Type"],
        "source": mount.get("Source"),
        "target": mount["Target"],
        "readOnly": mount.get("ReadOnly", False),
    }


def _ports(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Ascending by the inner port."""
    ports = [
        {"internal": int(key.split("/")[0]), "external": int(b["HostPort"]), "ip": b["HostIp"], "protocol": key[-3:]}
        for key, bound in found.items()
        for b in bound or []
    ]
    return sorted(ports, key=lambda p: (p["internal"], p["protocol"]))


def _health(check: dict[str, Any] | None) -> dict[str, Any] | None:
    if not check:
        return None
    return {
        "tests": check["Test"],
        "interval": go_duration(check.get("Interval", 0)),
        "timeout": go_duration(check.get("Timeout", 0)),
        "startPeriod": go_duration(check.get("StartPeriod", 0)),
        "retries": check.get("Retries", 0),
    }
