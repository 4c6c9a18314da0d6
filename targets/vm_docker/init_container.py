"""The seed: a container that runs once and writes the bundle, the secrets and the proxy's configuration.

Its uploads are copied into the volumes and given to the user that may read them. It has only the capabilities for that
and no network.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_docker as docker

from unmoor.container import UID

from .context import ROLE, Context, label_list
from .logs import DRIVER, log_options
from .names import name
from .secrets import Secrets, secret_files
from .store import Store

# Files are replaced atomically: a container that restarts meanwhile reads the old or the new one.
SCRIPT = f"""set -eu
umask 077
put() {{
  cp "$1" "$2/.new"; chown {UID}:{UID} "$2/.new"; chmod "$3" "$2/.new"; mv -f "$2/.new" "$2/$(basename "$1")"
}}
for d in /store/*; do
  [ "$(stat -c %u "$d")" = {UID} ] || chown -R {UID}:{UID} "$d"
  for f in "/seed$d"/*; do [ ! -f "$f" ] || put "$f" "$d" 0600; done
done
for d in /secrets/*; do
  [ -d "$d" ] || continue
  chown {UID}:{UID} "$d"; chmod 0500 "$d"
  for f in "/seed$d"/*; do [ ! -f "$f" ] || put "$f" "$d" 0400; done
  for f in "$d"/*; do [ -e "/seed$f" ] || rm -f "$f"; done
done
[ ! -f /seed/proxy/Caddyfile ] || {{ cp /seed/proxy/Caddyfile /proxy/Caddyfile; chmod 0444 /proxy/Caddyfile; }}
"""


def init_container(
    context: Context,
    *,
    image: pulumi.Input[str],
    store: Store,
    secrets: Secrets,
    proxy: docker.Volume | None,
    caddyfile: str,
) -> docker.Container:
    """The container, which ends before others start and runs again when it changes."""
    volumes = {
        **{f"/store/{prefix}": volume for prefix, volume in store.volumes.items()},
        **{f"/secrets/{holder}": volume for holder, volume in secrets.volumes.items()},
        **({"/proxy": proxy} if proxy else {}),
    }
    container = docker.Container(
        context.logical("seed"),
        name=name(context.plan, "seed"),
        image=image,
        entrypoints=["/bin/sh", "-c"],
        command=[SCRIPT],
        user="0",
        network_mode="none",
        mounts=[
            {"type": "volume", "source": volume.name, "target": target} for target, volume in sorted(volumes.items())
        ],
        uploads=_uploads(context, secrets, caddyfile if proxy else ""),
        capabilities={"adds": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"], "drops": ["ALL"]},
        security_opts=["no-new-privileges:true"],
        attach=True,
        must_run=False,
        restart="no",
        log_driver=DRIVER,
        log_opts=log_options(context),
        labels=label_list({**context.release_tags, ROLE: "seed"}),
        opts=context.child,
    )
    pulumi.Output.all(container.name, container.exit_code).apply(lambda ended: _log_failure(container, *ended))
    return container


def _log_failure(container: docker.Container, name: str, code: int | None) -> None:
    """Report a failure: the provider waits for its end but accepts any exit code."""
    if code:
        remedy = f"docker logs {name} says why; then docker rm {name}, unmoor refresh, and deploy again"
        pulumi.log.error(f"it ended with {code}: {remedy}", container)


def _uploads(context: Context, secrets: Secrets, caddyfile: str) -> list[docker.ContainerUploadArgsDict]:
    bundle = context.options.bundle
    files: dict[str, Any] = {f"{holder}/{s.variable}": value for holder, s, value in secret_files(context, secrets)}
    source = context.options.path_of(bundle.sha256, str(bundle.path))
    return [
        {"file": f"/seed/store/{bundle.key}", "source": source, "source_hash": bundle.sha256},
        *({"file": f"/seed/secrets/{f}", "content": v, "permissions": "0400"} for f, v in sorted(files.items())),
        *([{"file": "/seed/proxy/Caddyfile", "content": caddyfile}] if caddyfile else []),
    ]
