"""The gateway's public URL, at which runs wake it."""

from __future__ import annotations

from collections.abc import Mapping

from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.http.client import JsonHttpClient
from unmoor.runtime.logs import Log

VARIABLE = "UNMOOR_GATEWAY_URL"
METADATA = "metadata.google.internal"
PROJECT_NUMBER = "/computeMetadata/v1/project/numeric-project-id"


async def discover_public_url(environment: Mapping[str, str], *, region: str, log: Log) -> str:
    """The URL that the target sets, or the platform's; empty where runs need not or cannot wake this gateway.

    https://learn.microsoft.com/azure/container-apps/environment-variables#built-in-environment-variables
    https://docs.cloud.google.com/run/docs/triggering/https-request#deterministic
    """
    if given := environment.get(VARIABLE, ""):
        return given
    app, suffix = (environment.get(f"CONTAINER_APP_{name}", "") for name in ("NAME", "ENV_DNS_SUFFIX"))
    if app and suffix:
        return f"https://{app}.{suffix}"
    service = environment.get("K_SERVICE", "")
    if not service or not region:
        return ""
    try:
        return f"https://{service}-{await _project_number(environment)}.{region}.run.app"
    except UnmoorRuntimeError as fault:
        log(f"runs cannot wake this gateway: {fault}", level="warning")
        return ""


async def _project_number(environment: Mapping[str, str]) -> str:
    host = environment.get("GCE_METADATA_HOST", "") or METADATA
    rest = JsonHttpClient(name="the metadata server", url=f"http://{host}", timeout_s=5)
    try:
        return str(await rest.request("GET", PROJECT_NUMBER, headers={"Metadata-Flavor": "Google"}))
    finally:
        await rest.close()
