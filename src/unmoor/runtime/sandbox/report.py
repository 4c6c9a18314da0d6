"""What the probe's results mean: which protections hold, and by which mechanism."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import landlock
from .confine import Mechanisms

ALLOWED = "done"
BOTH, NOTIFICATION, LANDLOCK = "landlock+seccomp", "seccomp notification", "landlock"
# Each attempt, and the errors by which the sandbox blocks it.
ATTEMPTS: Mapping[str, tuple[str, ...]] = {
    "connect": ("EACCES",),
    "address": ("EACCES",),
    "listen": ("EACCES",),
    "datagram": ("EPERM",),
    "multipath": ("EPERM",),
    "fast_open": ("EPERM", "EACCES"),
    "environ": ("EACCES", "EPERM"),
    "memory": ("EPERM",),
    "trace": ("EPERM",),
    "signal": ("EPERM",),
    "limits": ("EPERM",),
    "affinity": ("EPERM",),
    "priority": ("EPERM",),
    "io_priority": ("EPERM",),
    "keyring": ("EPERM",),
    "namespace": ("EPERM",),
    "shared_memory": ("ENOSYS",),
    "datagram_pair": ("EPERM",),
    "file": ("EACCES",),
    "terminal": ("EACCES",),
    "mode": ("EPERM",),
    "times": ("EPERM",),
    "size": ("EACCES", "EPERM"),
    "attribute": ("EOPNOTSUPP", "ENOTSUP"),
    "watch": ("EACCES",),
}
NETWORK = ("connect", "address", "listen", "datagram", "multipath", "fast_open", "datagram_pair")
PROCESSES = ("environ", "memory", "trace", "signal", "limits", "affinity", "priority", "io_priority", "keyring")
PROCESSES += ("namespace", "shared_memory")
FILES = ("file", "terminal", "mode", "times", "size", "attribute", "watch")
# Not tried where the container has no other run.
SHARED = ("shared_memory", "datagram_pair", "terminal")
# What only a supervisor holds.
SUPERVISED = ("address", "mode", "times", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReport:
    """What is in force, by topic, each `enforced by ...` or `advisory: REASON`, and the mechanisms of the run."""

    network: str
    processes: str
    files: str
    mechanisms: Mechanisms

    def __str__(self) -> str:
        """One line: enforced only if every topic is; else the first that is not, and then those that are."""
        topics = {"files": self.files, "network": self.network, "processes": self.processes}
        weak = [text for text in (self.network, self.processes, self.files) if not text.startswith("enforced")]
        if not weak:
            return f"enforced by {_weakest_mechanism(self.network, self.processes)}"
        held: dict[str, list[str]] = {}
        for name, text in topics.items():
            if text.startswith("enforced"):
                held.setdefault(text, []).append(name)
        return "; ".join([weak[0], *(f"{' and '.join(names)} {text}" for text, names in held.items())])


def advisory_report(reason: str, mechanisms: Mechanisms) -> SandboxReport:
    """The report of a probe without results."""
    text = f"advisory: {reason}"
    return SandboxReport(network=text, processes=text, files=text, mechanisms=mechanisms)


def is_supervised(results: Mapping[str, str]) -> bool:
    """Whether a supervisor answered: it connects to the allowed port, and to no other address at that port."""
    return results.get("reach") == ALLOWED and results.get("address") in ATTEMPTS["address"]


def interpret(results: Mapping[str, str], using: Mechanisms) -> SandboxReport:
    """What the results mean; the mechanisms only word them."""
    abi = using.landlock
    ports_only = not using.supervised and results.get("address") == "ECONNREFUSED"
    left_out = SUPERVISED if ports_only else ()

    def topic(names: tuple[str, ...], by: str, since: int, what: str) -> str:
        tried = [name for name in names if (name in results or name not in SHARED) and name not in left_out]
        escaped = [f"{name} ({results.get(name)})" for name in tried if results.get(name) not in ATTEMPTS[name]]
        if not escaped:
            return f"enforced by {by}"
        if using.supervised and since > 1:
            return f"advisory: escaped: {', '.join(escaped)}"
        if abi == 0:
            return "advisory: kernel has no Landlock"
        return f"advisory: kernel has no Landlock {what}" if abi < since else f"advisory: escaped: {', '.join(escaped)}"

    by_network = BOTH if abi >= landlock.NET_SINCE else NOTIFICATION
    by_processes = LANDLOCK if abi >= landlock.SCOPES_SINCE else NOTIFICATION
    by_port = ", by port only" if ports_only else ""
    return SandboxReport(
        network=topic(NETWORK, by_network + by_port, landlock.NET_SINCE, "network rules"),
        processes=topic(PROCESSES, by_processes, landlock.SCOPES_SINCE, "scopes"),
        files=topic(FILES, LANDLOCK, 1, "file rules"),
        mechanisms=using,
    )


def _weakest_mechanism(network: str, processes: str) -> str:
    """The text for a sandbox whose topics are all enforced: files by Landlock, the rest as given."""
    if NOTIFICATION in network or NOTIFICATION in processes:
        return f"landlock+{NOTIFICATION}"
    return network.removeprefix("enforced by ")
