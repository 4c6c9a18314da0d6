"""The user's host name, with a certificate from Key Vault or one that Azure issues and renews.

A certificate from Key Vault exists before the app. Azure issues a managed one only for a name that an app already has,
so the app takes the name with the binding `Auto`. In both cases Azure checks the DNS records first.
https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_azure_native as az

from .context import Context
from .grants import READ_SECRET, grant
from .identity import user_assigned
from .names import ENVIRONMENT, managed_certificate_name, name, secret_url
from .network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateReader:
    """The identity that reads the certificate, and its grant."""

    identity: az.managedidentity.UserAssignedIdentity
    grant: az.authorization.RoleAssignment


def certificate_reader(context: Context) -> CertificateReader | None:
    """An identity that may only read the certificate's secret; None without one."""
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
    """The domain of the app's ingress; None without one."""
    domain = context.plan.network.domain
    if domain is None:
        return None
    if reader is None:
        return [{"name": domain, "binding_type": "Auto"}]
    certificate = _own_certificate(context, network, reader)
    return [{"name": domain, "binding_type": "SniEnabled", "certificate_id": certificate.id}]


def managed_certificate(context: Context, network: Network, app: az.app.ContainerApp) -> None:
    """Azure's managed certificate for the app's name."""
    domain = context.plan.network.domain
    if domain is None or context.settings.certificate != "managed":
        return
    az.app.ManagedCertificate(
        context.logical("domain"),
        managed_certificate_name=managed_certificate_name(context.plan),
        environment_name=network.certificates.name,
        properties={"subject_name": domain, "domain_control_validation": "CNAME"},
        # Azure refuses to delete a certificate that an app is bound to (CertificateInUse), and the app is deleted after
        # this resource. The environment's deletion includes its certificates.
        **{**context.common_args, "opts": context.after(app, deleted_with=network.certificates)},
    )


def url(context: Context, app: az.app.ContainerApp) -> pulumi.Output[str]:
    """The gateway's URL: the domain, or Azure's name for it."""
    if context.plan.network.domain:
        return pulumi.Output.from_input(f"https://{context.plan.network.domain}")
    return pulumi.Output.concat("https://", app.configuration.ingress.fqdn)


def _own_certificate(context: Context, network: Network, reader: CertificateReader) -> az.app.Certificate:
    assert context.settings.certificate is not None
    return az.app.Certificate(
        context.logical("domain"),
        certificate_name=name(context.plan, "domain", ENVIRONMENT),
        environment_name=network.certificates.name,
        properties={
            "certificate_key_vault_properties": {
                "identity": reader.identity.id,
                "key_vault_url": secret_url(context.settings.certificate),
            }
        },
        **{**context.common_args, "opts": context.after(reader.grant)},
    )
