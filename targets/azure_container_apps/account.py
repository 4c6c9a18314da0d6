"""Azure's Resource Manager with the deploying user's variables, else the login that azure-identity finds."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from typing import Any

from unmoor.doctor.account import Account
from unmoor.errors import UnmoorError
from unmoor.operate.errors import OperateError, first_sentence
from unmoor.operate.platform_api import Api

ARM = "https://management.azure.com"
# Variables of Pulumi's provider: https://www.pulumi.com/registry/packages/azure-native/installation-configuration/
SERVICE_PRINCIPAL = ("ARM_TENANT_ID", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET")
SUBSCRIPTION = ("ARM_SUBSCRIPTION_ID", "AZURE_SUBSCRIPTION_ID")
SUBSCRIPTIONS_VERSION = "api-version=2022-12-01"


def arm(base: str = "") -> Api:
    """Resource Manager with this user's login."""
    address = base or os.environ.get("UNMOOR_ARM", ARM)
    return Api(name="Azure", base=address, token=_token)


def caller_identity(subscription: str, api: Api | None = None) -> Account:
    """The subscription and its tenant."""
    known = known_subscription(subscription)
    path = f"/subscriptions/{known}" if known else "/subscriptions"
    answer = (api or arm()).answer("GET", f"{path}?{SUBSCRIPTIONS_VERSION}")
    return Account(
        who=_subscription_text(answer.values if known else _single_subscription(answer.values["value"])), at=answer.at
    )


def known_subscription(subscription: str) -> str:
    """The id of the given subscription, else that of the environment; empty if neither is set."""
    return subscription or next((os.environ[v] for v in SUBSCRIPTION if os.environ.get(v)), "")


def _single_subscription(found: list[dict[str, Any]]) -> dict[str, Any]:
    if len(found) == 1:
        return found[0]
    rule = f"the login has {len(found)} subscriptions" if found else "the login has no subscription"
    raise OperateError(f"{rule}; set targets.azure-container-apps.subscription_id")


def _subscription_text(subscription: dict[str, Any]) -> str:
    name, number = subscription["displayName"], subscription["subscriptionId"]
    return f"subscription {name} ({number}), tenant {subscription['tenantId']}"


def _token() -> str:
    """An access token; OperateError in one line without a login."""
    if find_spec("azure.identity") is None:
        raise UnmoorError("Azure needs azure-identity; run pip install 'unmoor[azure]'")
    from azure.core.exceptions import ClientAuthenticationError

    # Its list of attempts is twenty lines, printed to the terminal unless handled.
    logging.getLogger("azure").addHandler(logging.NullHandler())
    try:
        return _credential().get_token(f"{ARM}/.default").token
    except ClientAuthenticationError as error:
        raise OperateError(f"no token from Azure: {first_sentence(str(error))}") from None


def _credential() -> Any:
    from azure.identity import ClientSecretCredential, DefaultAzureCredential

    tenant, client, secret = (os.environ.get(name, "") for name in SERVICE_PRINCIPAL)
    if tenant and client and secret:
        return ClientSecretCredential(tenant, client, secret)
    return DefaultAzureCredential()
