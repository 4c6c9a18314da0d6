"""Azure's errors with their remedies, and which of them pass with time."""

from __future__ import annotations

from unmoor.target import FailureHint

FAILURE_HINTS = (
    # Azure resolves secrets and the image when it is asked for an app or a job, and an assignment can take minutes:
    # https://github.com/microsoft/azure-container-apps/issues/1174
    # https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
    FailureHint(
        pattern=r"unable to (get value|pull image|fetch \w+) using (a )?managed identity|PrincipalNotFound"
        r"|UNAUTHORIZED: authentication required",
        remedy="a new role assignment can take some minutes to be in force: run this again",
        wait_s=120,
    ),
    # https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
    FailureHint(
        pattern=r"TooManyRequests|\b429\b|AnotherOperationInProgress|OperationInProgress",
        remedy="Azure limits requests, or still works on an earlier one: run this again in a minute",
        wait_s=60,
    ),
    # https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider
    FailureHint(
        pattern=r"MissingSubscriptionRegistration|not registered to use",
        remedy="register the named provider, which unmoor doctor lists too: az provider register --wait --namespace "
        "NAMESPACE, then run this again",
    ),
    # https://learn.microsoft.com/azure/container-apps/quotas
    FailureHint(
        pattern=r"MaxNumberOf\w*Environments?\w*Exceeded",
        remedy="set targets.azure-container-apps.environment_id to an existing environment, or request a larger quota",
    ),
    FailureHint(
        pattern=r"CertificateInUse",
        remedy="remove network.domain and run unmoor up, then run this again",
    ),
    # https://learn.microsoft.com/azure/storage/common/shared-key-authorization-prevent
    FailureHint(
        pattern=r"KeyBasedAuthenticationNotPermitted|allowSharedKeyAccess",
        remedy="Pulumi's provider uploads the bundle with the storage account's shared key: exempt the resource group "
        "from the policy that forbids it",
    ),
    FailureHint(
        pattern=r"RequestDisallowedByPolicy",
        remedy="a policy of the subscription forbids it: the message names the policy; ask its owner for an exemption",
    ),
)
