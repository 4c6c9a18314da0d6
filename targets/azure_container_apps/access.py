"""Who may do what, read from a recorded graph: its apps, jobs, identities and role assignments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmoor.graph import Resource
from unmoor.plan import Plan
from unmoor.target import Access

from .granted_rights import (
    ACCOUNT_KEYS,
    ADD_BLOB,
    APP_SECRETS,
    BLOB_ACTIONS,
    GET_SECRET,
    IDENTITY,
    JOB_SECRETS,
    START_JOB,
    Grant,
    grants,
    prefixes,
)

APP, JOB = "azure-native:app:ContainerApp", "azure-native:app:Job"
ACCOUNT, CONTAINER = "azure-native:storage:StorageAccount", "azure-native:storage:BlobContainer"
LIST_SECRETS = {APP: APP_SECRETS, JOB: JOB_SECRETS}
# A resource's path in its group; names in braces are inputs.
PATHS = {
    APP: "Microsoft.App/containerApps/{containerAppName}",
    JOB: "Microsoft.App/jobs/{jobName}",
    ACCOUNT: "Microsoft.Storage/storageAccounts/{accountName}",
    CONTAINER: "Microsoft.Storage/storageAccounts/{accountName}/blobServices/default/containers/{containerName}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The resources, and the grants of their role assignments."""

    resources: tuple[Resource, ...]
    grants: tuple[Grant, ...]

    def of(self, *types: str) -> list[Resource]:
        return [r for r in self.resources if r.type in types]

    def grants_of(self, identity_ids: Sequence[str]) -> tuple[Grant, ...]:
        names = {id_.rsplit("/", 1)[-1] for id_ in identity_ids}
        logical = {r.name for r in self.of(IDENTITY) if r.inputs["resourceName"] in names}
        return tuple(g for g in self.grants if g.identities & logical)

    @property
    def secret_names(self) -> dict[tuple[str, str], str]:
        """The spec name of every secret, by its vault and its name there."""
        created = {
            _vault_and_name_of_resource(r): r.inputs["secretName"] for r in self.of("azure-native:keyvault:Secret")
        }
        referred = {_vault_and_name(s): s["name"] for r in self.of(APP, JOB) for s in _secrets(r)}
        return referred | created

    def nodes_named(self, resource: Resource) -> dict[str, str]:
        """The spec name of every secret of an app or job, by its name there."""
        return {s["name"]: self.secret_names[_vault_and_name(s)] for s in _secrets(resource)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A container with the grants of every identity whose token it can get."""

    name: str
    grants: tuple[Grant, ...]


def access(plan: Plan, resources: Sequence[Resource]) -> Access:
    """What the graph allows each container, the schedules and the public."""
    graph = Graph(resources=tuple(resources), grants=grants(tuple(resources)))
    principals = [p for r in graph.of(APP, JOB) for p in _principals(graph, r)]
    obtained = {(p.name, s) for p in principals for s in _obtainable_secrets(graph, p)}
    return Access(
        reads=frozenset({*(i for r in graph.of(APP, JOB) for i in _injected_secrets(graph, r)), *obtained}),
        self_obtainable=frozenset(obtained),
        store_access=frozenset({*(t for p in principals for t in _store_access(graph, p)), *_public_store(graph)}),
        starts=frozenset({*((p.name, w) for p in principals for w in _starts(graph, p)), *_schedule_starts(graph)}),
        listens=frozenset([*_ingress(graph), *_plain_store(graph)]),
        wildcards=tuple(g.name for g in graph.grants if g.is_wide),
    )


def _principals(graph: Graph, resource: Resource) -> Iterator[Principal]:
    """All containers of a replica can get the same tokens: those of its identities without the lifecycle None."""
    withheld = {
        s["identity"] for s in _configuration(resource).get("identitySettings", []) if s.get("lifecycle") == "None"
    }
    assigned = resource.inputs.get("identity", {}).get("userAssignedIdentities", [])
    held = graph.grants_of([i for i in assigned if i not in withheld])
    for container in resource.inputs["template"]["containers"]:
        yield Principal(name=container["name"], grants=held)


def _injected_secrets(graph: Graph, resource: Resource) -> Iterator[tuple[str, str]]:
    """Secrets that Azure injects: as variables, or all of them as a volume."""
    names = graph.nodes_named(resource)
    volumes = {v["name"]: v for v in resource.inputs["template"].get("volumes", []) if v["storageType"] == "Secret"}
    for container in resource.inputs["template"]["containers"]:
        for variable in container.get("env", []):
            if "secretRef" in variable:
                yield container["name"], names[variable["secretRef"]]
        if any(mount["volumeName"] in volumes for mount in container.get("volumeMounts", [])):
            yield from ((container["name"], name) for name in names.values())


def _obtainable_secrets(graph: Graph, principal: Principal) -> Iterator[str]:
    for grant in principal.grants:
        for (vault, secret), name in graph.secret_names.items():
            if grant.allows(GET_SECRET, _within(grant.scope, vault, secret), data=True):
                yield name
        for resource in graph.of(APP, JOB):
            if grant.allows(LIST_SECRETS[resource.type], _path(resource)):
                yield from graph.nodes_named(resource).values()


def _store_access(graph: Graph, principal: Principal) -> Iterator[tuple[str, str, str]]:
    for grant in principal.grants:
        for container in graph.of(CONTAINER):
            for kind, action in (*BLOB_ACTIONS.items(), ("write", ADD_BLOB)):
                if grant.allows(action, _path(container), data=True):
                    yield from ((principal.name, kind, prefix) for prefix in prefixes(grant, action))
        for account in graph.of(ACCOUNT):
            if grant.allows(ACCOUNT_KEYS, _path(account)):
                yield from ((principal.name, kind, "") for kind in BLOB_ACTIONS)


def _starts(graph: Graph, principal: Principal) -> Iterator[str]:
    """A grant on one of the agent's jobs starts runs; a wider one starts anything."""
    jobs = {_path(job): job for job in graph.of(JOB)}
    for grant in principal.grants:
        if grant.allows(START_JOB, grant.scope):
            yield "run" if grant.scope in jobs else "anything"


def _schedule_starts(graph: Graph) -> Iterator[tuple[str, str]]:
    for job in graph.of(JOB):
        if _configuration(job)["triggerType"] != "Manual":
            yield "schedules", job.inputs["template"]["containers"][0]["name"]


def _ingress(graph: Graph) -> Iterator[tuple[str, int, bool, bool]]:
    for app in graph.of(APP):
        ingress = _configuration(app).get("ingress")
        if not ingress:
            continue
        name, public = app.inputs["template"]["containers"][0]["name"], bool(ingress.get("external"))
        if str(ingress.get("transport", "auto")).lower() == "tcp":
            yield name, int(ingress.get("exposedPort", ingress["targetPort"])), public, False
        else:
            yield name, 443, public, not ingress.get("allowInsecure", False)
        for port in ingress.get("additionalPortMappings", []):
            yield name, int(port.get("exposedPort", port["targetPort"])), bool(port.get("external")), False


def _public_store(graph: Graph) -> Iterator[tuple[str, str, str]]:
    """A container is public only if its account allows it."""
    opened = any(a.inputs.get("allowBlobPublicAccess", True) for a in graph.of(ACCOUNT))
    for container in graph.of(CONTAINER):
        if opened and container.inputs.get("publicAccess", "None") != "None":
            yield "anyone", "read", ""


def _plain_store(graph: Graph) -> Iterator[tuple[str, int, bool, bool]]:
    for account in graph.of(ACCOUNT):
        if account.inputs.get("enableHttpsTrafficOnly") is False:
            yield "store", 80, True, False


def _configuration(resource: Resource) -> Mapping[str, Any]:
    return resource.inputs.get("configuration", {})


def _secrets(resource: Resource) -> list[Mapping[str, Any]]:
    return list(_configuration(resource).get("secrets", []))


def _vault_and_name(secret: Mapping[str, Any]) -> tuple[str, str]:
    """The vault and name of an app's secret; no vault if the app holds the value."""
    if "keyVaultUrl" not in secret:
        return "", secret["name"]
    host, _, path = secret["keyVaultUrl"].removeprefix("https://").partition("/secrets/")
    return host.split(".")[0].lower(), path.split("/")[0]


def _vault_and_name_of_resource(secret: Resource) -> tuple[str, str]:
    return secret.inputs["vaultName"].lower(), secret.inputs["secretName"]


def _within(scope: str, vault: str, secret: str) -> str:
    """The secret's path; an existing vault is assumed to be in the grant's group."""
    group = scope.split("/providers/")[0]
    return f"{group}/providers/Microsoft.KeyVault/vaults/{vault}/secrets/{secret}"


def _path(resource: Resource) -> str:
    """The resource's id without its subscription."""
    return f"/resourceGroups/{resource.inputs['resourceGroupName']}/providers/" + PATHS[resource.type].format_map(
        resource.inputs
    )
