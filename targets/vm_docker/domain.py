"""The proxy: Caddy with its own certificate for a public name, or on loopback without one."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_docker as docker

from unmoor.container import GATEWAY_PORT, READY_PATH, STOP_GRACE_S

from .context import ROLE, Context, digest, label_list
from .describe import public_name
from .gateway import aliases
from .health import WAIT_S, check
from .logs import DRIVER, log_options
from .names import name
from .network import Networks, network_aliases
from .sizes import SERVICE_PROCESSES, listening_port

PLAIN_PORT = 8080
MEMORY_MIB = 128
# Twice this is less than a gateway serves on, so that the proxy sends it nothing when its port closes.
HEALTH_INTERVAL_S = 1
CONFIGURED = ("--config", "/etc/unmoor/Caddyfile", "--adapter", "caddyfile")
# Folders for certificates and for nothing, for any image.
FOLDERS = {"XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "/config"}
TMPFS = {"/config": "rw,nosuid,nodev,size=16m", "/tmp": "rw,nosuid,nodev,size=16m"}
# The image may have no HTTP client, so the check validates the configuration.
HEALTH = check(f"caddy validate {' '.join(CONFIGURED)} >/dev/null 2>&1")


def url(context: Context) -> str:
    """The gateway's URL."""
    public = public_name(context.plan, context.settings)
    return f"https://{public}" if public else f"http://127.0.0.1:{listening_port(context.plan, context.settings)}"


def caddyfile(context: Context) -> str:
    """The proxy's configuration: it uses gateways that are ready, and retries others while one is replaced.

    https://caddyserver.com/docs/caddyfile/directives/reverse_proxy#active-health-checks
    """
    site = public_name(context.plan, context.settings) or f":{PLAIN_PORT}"
    upstreams = " ".join(f"{alias}:{GATEWAY_PORT}" for alias in aliases(context))
    return f"""{{
	admin off
}}
{site} {{
	reverse_proxy {upstreams} {{
		lb_policy least_conn
		lb_try_duration {STOP_GRACE_S}s
		lb_try_interval 250ms
		health_uri {READY_PATH}
		health_interval {HEALTH_INTERVAL_S}s
		health_timeout {HEALTH_INTERVAL_S}s
		flush_interval -1
	}}
}}
"""


def volume(context: Context, role: str) -> docker.Volume:
    """A volume of the proxy, for its configuration or its certificates."""
    return docker.Volume(
        context.logical(role),
        name=name(context.plan, role),
        labels=label_list(context.lasting),
        opts=context.child,
    )


def proxy(
    context: Context, *, networks: Networks, configuration: docker.Volume, after: Sequence[pulumi.Resource]
) -> docker.Container:
    """The only container that publishes ports."""
    pulled = docker.RemoteImage(
        context.logical("proxy"), name=context.settings.caddy_image, keep_locally=True, opts=context.child
    )
    certificates = volume(context, "certificates")
    # Docker sees no change of the configuration in a volume, and the provider ignores changes of the rest.
    unseen = [caddyfile(context), TMPFS, HEALTH, context.overridden("proxy")]
    return docker.Container(
        context.logical("proxy"),
        name=name(context.plan, "proxy"),
        image=pulled.image_id,
        command=["caddy", "run", *CONFIGURED],
        ports=_ports(context),
        mounts=[
            {"type": "volume", "source": configuration.name, "target": "/etc/unmoor", "read_only": True},
            {"type": "volume", "source": certificates.name, "target": "/data"},
        ],
        envs=[f"{k}={v}" for k, v in sorted(FOLDERS.items())],
        tmpfs=TMPFS,
        networks_advanced=network_aliases({"proxy": networks.edge, "proxy@front": networks.front}),
        read_only=True,
        capabilities={"adds": ["CAP_NET_BIND_SERVICE"], "drops": ["ALL"]},
        security_opts=["no-new-privileges:true"],
        ulimits=[{"name": "nproc", "soft": SERVICE_PROCESSES, "hard": SERVICE_PROCESSES}],
        init=True,
        memory=MEMORY_MIB,
        memory_swap=MEMORY_MIB,
        restart="unless-stopped",
        healthcheck=HEALTH,
        wait=True,
        wait_timeout=WAIT_S,
        stop_timeout=STOP_GRACE_S,
        destroy_grace_seconds=STOP_GRACE_S,
        log_driver=DRIVER,
        log_opts=log_options(context),
        labels=label_list({**context.release_tags, ROLE: "proxy", "unmoor.unseen": digest(unseen)}),
        opts=context.after(*after),
    )


def _ports(context: Context) -> list[docker.ContainerPortArgsDict]:
    """Sorted by the inner port, as Docker returns them."""
    if public_name(context.plan, context.settings):
        return [{"internal": p, "external": p, "ip": "0.0.0.0", "protocol": "tcp"} for p in (80, 443)]
    outer = listening_port(context.plan, context.settings)
    return [{"internal": PLAIN_PORT, "external": outer, "ip": "127.0.0.1", "protocol": "tcp"}]
