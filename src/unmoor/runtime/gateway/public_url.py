"""The gateway's public URL, by which runs wake it: one table of the ways to learn it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.http.client import JsonHttpClient
from unmoor.runtime.logs import Log

VARIABLE = "UNMOOR_GATEWAY_URL"
METADATA = "metadata.google.internal"
PROJECT_NUMBER = "/computeMetadata/v1/project/numeric-project-id"


async def discover_public_url(environment: Mapping[str, str], *, region: str, log: Log) -> str:
    """The URL that the target set, or the platform's own; empty if runs need not or cannot wake this gateway."""
    try:
        for source in SOURCES:
            if url := await source(environment, region):
                return url
    except UnmoorRuntimeError as error:
        log(f"runs cannot wake this gateway: {error}", level="warning")
    return ""


async def _configured(environment: Mapping[str, str], region: str) -> str:
    return environment.get(VARIABLE, "")


async def _container_app(environment: Mapping[str, str], region: str) -> str:
    """https://learn.microsoft.com/azure/container-apps/environment-variables#built-in-environment-variables"""
    app, suffix = (environment.get(f"CONTAINER_APP_{name}", "") for name in ("NAME", "ENV_DNS_SUFFIX"))
    return f"https://{app}.{suffix}" if app and suffix else ""


async def _cloud_run_service(environment: Mapping[str, str], region: str) -> str:
    """https://docs.cloud.google.com/run/docs/triggering/https-request#deterministic"""
    service = environment.get("K_SERVICE", "")
    return f"https://{service}-{await _project_number(environment)}.{region}.run.app" if service and region else ""


async def _project_number(environment: Mapping[str, str]) -> str:
    host = environment.get("GCE_METADATA_HOST", "") or METADATA
    rest = JsonHttpClient(name="the metadata server", url=f"http://{host}", timeout_s=5)
    try:
        return str(await rest.request("GET", PROJECT_NUMBER, headers={"Metadata-Flavor": "Google"}))
    finally:
        await rest.close()


# In this order: the target's value wins.
SOURCES: tuple[Callable[[Mapping[str, str], str], Awaitable[str]], ...] = (
    _configured,
    _container_app,
    _cloud_run_service,
)
