"""A machine for tests: a container with systemd, sshd and a Docker engine of its own, which can lose its power.

It is fenced as little as the engine around it allows, and is Debian from the package registry.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import docker
from daemon import FOLDER
from secure_shell import Way, way

# With an engine 26.1. Another machine may be made by hand, as an image of another name.
SUITE = "trixie"
IMAGE = os.environ.get("UNMOOR_TEST_VM", f"unmoor-test/vm-{SUITE}")
PACKAGES = (
    *("ca-certificates", "dbus", "docker-cli", "docker.io", "iproute2", "iptables", "kmod", "openssh-server"),
    *("procps", "systemd", "systemd-sysv"),
)
# In the order of their numbers: https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h
CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
    *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
    *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ"),
)
# What Docker has made read-only and a system of its own has to write.
BOOT = """
for m in /sys/fs/cgroup /sys/fs/cgroup/*; do mount -o remount,rw,bind "$m" 2>/dev/null; done
exec /sbin/init "$@"
"""
# systemd refuses the first version of cgroups unless it is told twice.
OLD_CGROUPS = ("SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1", "systemd.unified_cgroup_hierarchy=0")
WITHIN_S = 120


@dataclass(frozen=True, kw_only=True)
class Vm:
    """A machine that is up, and the way to it."""

    name: str
    way: Way

    def docker(self, *arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """The machine's own docker."""
        return docker("exec", "--interactive", self.name, "docker", *arguments, check=check, stdin=stdin)

    def reboot(self) -> None:
        """As an administrator does it: services are told to stop."""
        docker("stop", "--time", "60", self.name)
        self.boot()

    def lose_power(self) -> None:
        docker("kill", self.name)
        self.boot()

    def boot(self) -> None:
        """Starts it, and waits until its engine answers."""
        docker("start", self.name)
        deadline = time.monotonic() + WITHIN_S
        while self.docker("info", check=False).returncode:
            assert time.monotonic() < deadline, docker("logs", "--tail", "20", self.name).stdout
            time.sleep(0.3)

    def load(self, *images: str) -> None:
        """Brings images of this machine's engine there."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saving:
            command = ["docker", "exec", "--interactive", self.name, "docker", "load"]
            subprocess.run(command, stdin=saving.stdout, check=True, capture_output=True)


@contextlib.contextmanager
def machine(folder: Path) -> Iterator[Vm]:
    """A machine with an engine that has nothing; all of it is gone at the end."""
    image()
    made = Vm(name=f"unmoor-test-vm-{uuid.uuid4().hex[:8]}", way=way(folder))
    try:
        _create(made)
        made.boot()
        made.way.know(docker("exec", made.name, "cat", "/etc/ssh/ssh_host_ed25519_key.pub").stdout)
        made.way.answers()
        yield made
    finally:
        docker("rm", "--force", "--volumes", made.name, check=False)


def _create(made: Vm) -> None:
    """With everything but the power over the machine around it."""
    old = docker("info", "--format", "{{.CgroupVersion}}").stdout.strip() == "1"
    docker(
        *("create", "--name", made.name, "--hostname", "vm", "--env", "container=docker", "--cgroupns", "private"),
        *(part for c in _capabilities() for part in ("--cap-add", c)),
        *(part for o in ("seccomp", "apparmor", "systempaths") for part in ("--security-opt", f"{o}=unconfined")),
        *("--device-cgroup-rule", "a *:* rwm", "--stop-signal", "SIGRTMIN+3"),
        *(part for f in ("/run", "/run/lock", "/tmp") for part in ("--tmpfs", f)),
        *("--mount", "type=volume,target=/var/lib/docker", "--publish", f"127.0.0.1:{made.way.port}:22"),
        *("--entrypoint", "/bin/sh", IMAGE, "-c", BOOT, "init", *(OLD_CGROUPS if old else ())),
    )
    keys = f"mkdir -p /root/.ssh && echo '{made.way.public_key}' > /root/.ssh/authorized_keys"
    docker("start", made.name)
    docker("exec", made.name, "sh", "-c", keys)


def _capabilities() -> list[str]:
    """Those that this process could pass on."""
    status = Path("/proc/self/status").read_text()
    bounding = int(next(line for line in status.splitlines() if line.startswith("CapBnd")).split()[1], 16)
    return [name for number, name in enumerate(CAPABILITIES) if bounding >> number & 1]


def image() -> None:
    """The machine's disk, made once for this machine."""
    if docker("image", "inspect", IMAGE, check=False).returncode == 0:
        return
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        pytest.skip("there is no machine to test with: it is made as root by debootstrap, which is not installed")
    root = FOLDER / f"unmoor-vm-{os.getpid()}"
    try:
        include = f"--include={','.join(PACKAGES)}"
        command = ["debootstrap", "--variant=minbase", include, SUITE, str(root)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"there is no machine to test with: {done.stdout[-300:]}")
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
            command = ["docker", "import", "-", IMAGE]
            subprocess.run(command, stdin=tar.stdout, check=True, capture_output=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
