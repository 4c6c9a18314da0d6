"""The listeners of a recorded graph: services and the forwarding rules of load balancers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmoor.graph import Resource

from .grants_read import EVERYONE, grants
from .workloads import SERVICE, last, workloads

Listener = tuple[str, int, bool, bool]


def listens(resources: Sequence[Resource]) -> Iterator[Listener]:
    """Every listener: name, port, whether it is public, whether it uses TLS."""
    containers = {w.name: w.container for w in workloads(resources) if w.kind == "service"}
    for service in (r for r in resources if r.type == SERVICE):
        public = service.inputs.get("ingress", "INGRESS_TRAFFIC_ALL") == "INGRESS_TRAFFIC_ALL"
        # Cloud Run serves only 443 and redirects 80.
        yield containers[service.inputs["name"]], 443, public and _open_to_all(service, resources), True
    for rule in (r for r in resources if r.type == "gcp:compute/globalForwardingRule:GlobalForwardingRule"):
        public = str(rule.inputs.get("loadBalancingScheme", "EXTERNAL")).startswith("EXTERNAL")
        yield "gateway", int(str(rule.inputs["portRange"]).split("-")[0]), public, _secure(rule, resources)


def _open_to_all(service: Resource, resources: Sequence[Resource]) -> bool:
    """Whether everyone may call the service."""
    granted = (g for g in grants(resources) if g.kind == "service" and g.target == service.inputs["name"])
    return bool(service.inputs.get("invokerIamDisabled")) or any(g.member in EVERYONE for g in granted)


def _secure(rule: Resource, resources: Sequence[Resource]) -> bool:
    """Whether a rule uses TLS or only redirects to it."""
    target = str(rule.inputs.get("target", ""))
    if "/targetHttpsProxies/" in target:
        return True
    proxies = (r for r in resources if r.type == "gcp:compute/targetHttpProxy:TargetHttpProxy")
    maps = {last(p.inputs["urlMap"]) for p in proxies if p.inputs["name"] == last(target)}
    found = [r for r in resources if r.type == "gcp:compute/uRLMap:URLMap" and r.inputs["name"] in maps]
    return bool(found) and all(_only_redirects(routes) for routes in found)


def _only_redirects(routes: Resource) -> bool:
    elsewhere = ("defaultService", "defaultRouteAction", "pathMatchers", "hostRules")
    redirect = routes.inputs.get("defaultUrlRedirect") or {}
    return redirect.get("httpsRedirect") is True and not any(routes.inputs.get(key) for key in elsewhere)
