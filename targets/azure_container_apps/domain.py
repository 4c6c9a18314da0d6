"""The gateway's own host name: a certificate out of a Key Vault, or one that Azure issues and renews.

A certificate of one's own is there before the app. A managed one is issued only for a name that an app has already, so
the app takes the name with binding `Auto` and is bound to the certificate when that is there. Either way Azure wants
to see the DNS records first: see the README.
https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_azure_native as az

from .context import Context
from .grants import READ_SECRET, grant
from .identity import user_assigned
from .names import ENVIRONMENT, name, secret_url
from .network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateReader:
    """The identity by which the environment fetches a certificate, and its grant."""

    identity: az.managedidentity.UserAssignedIdentity
    grant: az.authorization.RoleAssignment


def certificate_reader(context: Context) -> CertificateReader | None:
    """The identity that may read the certificate's secret and nothing else, where one is given."""
    secret_id = context.settings.certificate
    if secret_id is None or secret_id == "managed":
        return None
    identity = user_assigned(context, "domain")
    return CertificateReader(
        identity=identity, grant=grant(context, "domain", to=identity, role=READ_SECRET, on=secret_id)
    )


def custom_domains(
    context: Context, network: Network, reader: CertificateReader | None
) -> list[az.app.CustomDomainArgsDict] | None:
    """What the app's ingress is told of the domain; None where there is none."""
    domain = context.plan.network.domain
    if domain is None:
        return None
    if reader is None:
        return [{"name": domain, "binding_type": "Auto"}]
    certificate = _own_certificate(context, network, reader)
    return [{"name": domain, "binding_type": "SniEnabled", "certificate_id": certificate.id}]


def managed_certificate(context: Context, network: Network, app: az.app.ContainerApp) -> None:
    """Azure's own certificate for the name that the app has taken."""
    domain = context.plan.network.domain
    if domain is None or context.settings.certificate != "managed":
        return
    az.app.ManagedCertificate(
        context.logical("domain"),
        managed_certificate_name=name(context.plan, "domain", ENVIRONMENT),
        environment_name=network.environment.name,
        properties={"subject_name": domain, "domain_control_validation": "CNAME"},
        **{**context.common_args, "opts": context.after(app)},
    )


def url(context: Context, app: az.app.ContainerApp) -> pulumi.Output[str]:
    """Where the gateway is reached: the domain, or the name that Azure gave it."""
    if context.plan.network.domain:
        return pulumi.Output.from_input(f"https://{context.plan.network.domain}")
    return pulumi.Output.concat("https://", app.configuration.ingress.fqdn)


def _own_certificate(context: Context, network: Network, reader: CertificateReader) -> az.app.Certificate:
    assert context.settings.certificate is not None
    return az.app.Certificate(
        context.logical("domain"),
        certificate_name=name(context.plan, "domain", ENVIRONMENT),
        environment_name=network.environment.name,
        properties={
            "certificate_key_vault_properties": {
                "identity": reader.identity.id,
                "key_vault_url": secret_url(context.settings.certificate),
            }
        },
        **{**context.common_args, "opts": context.after(reader.grant)},
    )
