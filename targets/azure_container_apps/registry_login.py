"""A login to a container registry with the deploying user's own token: no admin user, no login of docker.

https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
"""

from __future__ import annotations

from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from unmoor.errors import UnmoorError
from unmoor.http_pool import CONNECT_S, pool_for, root_cause
from unmoor.runtime.http.error_body import parse_error, parse_json_or_text

# The user name that stands for a token in the password.
TOKEN_USER = "00000000-0000-0000-0000-000000000000"
READ_S = 30.0
# A new registry's name takes some seconds to be known everywhere.
RETRIES = urllib3.Retry(total=5, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=None)


def exchange_token(server: str, tenant: str, token: str, *, base: str = "", retries: urllib3.Retry = RETRIES) -> str:
    """The registry's refresh token for a token of Entra, valid for some hours as a password; UnmoorError if refused.

    In a recording there is no login, and the token is empty: so is the password.
    """
    if not token:
        return ""
    fields = {"grant_type": "access_token", "service": server, "tenant": tenant, "access_token": token}
    url = (base or f"https://{server}") + "/oauth2/exchange"
    try:
        response = pool_for(url).request(
            "POST",
            url,
            body=urlencode(fields).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
            redirect=False,
            retries=retries,
            timeout=urllib3.Timeout(connect=CONNECT_S, read=READ_S),
        )
    except (HTTPError, OSError) as error:
        raise UnmoorError(f"registry {server} cannot be reached: {root_cause(error)}; run this again") from None
    answer = parse_json_or_text(response.data)
    if response.status != 200 or not isinstance(answer, dict) or not answer.get("refresh_token"):
        rule = f"registry {server} answered {response.status} to your login: {parse_error(answer)[1]}"
        remedy = "grant yourself AcrPush on it, or set targets.azure-container-apps.registry_login to docker"
        raise UnmoorError(f"{rule}; {remedy}")
    return str(answer["refresh_token"])
