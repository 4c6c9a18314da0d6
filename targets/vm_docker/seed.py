"""The seed: a container that runs once and puts the bundle, the secrets and the proxy's configuration into place.

What it is given is uploaded into it; it copies that into the volumes, hands it to the one user that may read it, and
ends. Its capabilities are the two that this takes, and it has no network.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_docker as docker

from unmoor.container import UID
from unmoor.plan import Holder

from .context import Context, container_labels
from .logs import DRIVER, log_options
from .names import name
from .secrets import Secrets, seeded
from .store import Store

SCRIPT = f"""set -eu
umask 077
for d in /seed/store/*; do
  [ -d "$d" ] && cp -r "$d/." "/store/$(basename "$d")/"
done
for d in /store/*; do chown -R {UID}:{UID} "$d"; done
for d in /secrets/*; do
  [ -d "$d" ] || continue
  find "$d" -mindepth 1 -delete
  [ -d "/seed/secrets/$(basename "$d")" ] && cp "/seed/secrets/$(basename "$d")"/* "$d/"
  chown -R {UID}:{UID} "$d"; chmod 0500 "$d"; chmod 0400 "$d"/* 2>/dev/null || true
done
[ ! -f /seed/proxy/Caddyfile ] || {{ cp /seed/proxy/Caddyfile /proxy/Caddyfile; chmod 0444 /proxy/Caddyfile; }}
"""


def seed(
    context: Context,
    *,
    image: pulumi.Input[str],
    store: Store,
    secrets: Secrets,
    proxy: docker.Volume | None,
    caddyfile: str,
) -> docker.Container:
    """Runs to its end before anything else starts; again whenever something of it changes."""
    volumes = {
        **{f"/store/{prefix}": volume for prefix, volume in store.volumes.items()},
        **{f"/secrets/{holder}": volume for holder, volume in secrets.volumes.items()},
        **({"/proxy": proxy} if proxy else {}),
    }
    return docker.Container(
        context.logical("seed"),
        name=name(context.plan, "seed"),
        image=image,
        entrypoints=["/bin/sh", "-c"],
        command=[SCRIPT],
        user="0",
        network_mode="none",
        mounts=[
            docker.ContainerMountArgs(type="volume", source=volume.name, target=target)
            for target, volume in sorted(volumes.items())
        ],
        uploads=_uploads(context, secrets, caddyfile if proxy else ""),
        capabilities=docker.ContainerCapabilitiesArgs(
            adds=["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"], drops=["ALL"]
        ),
        security_opts=["no-new-privileges:true"],
        attach=True,
        must_run=False,
        restart="no",
        log_driver=DRIVER,
        log_opts=log_options(context),
        labels=container_labels(context.tags),
        opts=context.child,
    )


def _uploads(context: Context, secrets: Secrets, caddyfile: str) -> list[docker.ContainerUploadArgs]:
    bundle = context.options.bundle
    archive = docker.ContainerUploadArgs(
        file=f"/seed/store/{bundle.key}", source=str(bundle.path), source_hash=bundle.sha256
    )
    files = [_secret_file(holder, s.variable, value) for holder, s, value in seeded(context, secrets)]
    proxy = [docker.ContainerUploadArgs(file="/seed/proxy/Caddyfile", content=caddyfile)] if caddyfile else []
    return [archive, *_ordered(files), *proxy]


def _secret_file(holder: Holder, variable: str, value: pulumi.Input[str]) -> docker.ContainerUploadArgs:
    return docker.ContainerUploadArgs(file=f"/seed/secrets/{holder}/{variable}", content=value, permissions="0400")


def _ordered(files: Sequence[docker.ContainerUploadArgs]) -> list[docker.ContainerUploadArgs]:
    return sorted(files, key=lambda f: str(f.file))
