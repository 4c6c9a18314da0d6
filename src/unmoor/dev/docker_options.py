"""Options of `docker run`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def host_config_options(host: Mapping[str, Any]) -> list[str]:
    """A hardened HostConfig as options of `docker run`."""
    options = [
        *(("--cap-drop", name) for name in host["CapDrop"]),
        ("--cpus", f"{host['NanoCpus'] / 1_000_000_000:g}"),
        ("--log-driver", host["LogConfig"]["Type"]),
        *(("--log-opt", f"{k}={v}") for k, v in host["LogConfig"]["Config"].items()),
        ("--memory", str(host["Memory"])),
        ("--memory-swap", str(host["MemorySwap"])),
        *(("--mount", f"type={m['Type']},source={m['Source']},target={m['Target']}") for m in host["Mounts"]),
        ("--network", host["NetworkMode"]),
        ("--pids-limit", str(host["PidsLimit"])),
        *(("--security-opt", option) for option in host["SecurityOpt"]),
        *(("--tmpfs", f"{path}:{how}") for path, how in host["Tmpfs"].items()),
    ]
    return ["--init", "--read-only", *(part for option in options for part in option)]
