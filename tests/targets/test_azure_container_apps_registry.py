"""A login to a registry is the exchange of a token, asked of a server on loopback that answers as the registry's docs have
it: https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md"""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
import urllib3
from serving.answers_by_path import routes

from unmoor.errors import UnmoorError
from unmoor.targets.azure_container_apps.registry_login import exchange_token

ONCE = urllib3.Retry(0)
SERVER = "hello.azurecr.io"


def test_a_token_is_exchanged_for_the_registry_s() -> None:
    with routes({"POST /oauth2/exchange": {"refresh_token": "a-refresh-token"}}) as (url, asked):
        assert exchange_token(SERVER, "a-tenant", "a-token", base=url, retries=ONCE) == "a-refresh-token"
    [(_, headers, body)] = asked
    assert parse_qs(body.decode()) == {
        "grant_type": ["access_token"],
        "service": [SERVER],
        "tenant": ["a-tenant"],
        "access_token": ["a-token"],
    }
    assert "authorization" not in headers


def test_a_refusal_says_which_right_is_missing_and_not_the_token() -> None:
    with routes({}) as (url, _), pytest.raises(UnmoorError) as raised:
        exchange_token(SERVER, "a-tenant", "a-token", base=url, retries=ONCE)
    assert str(raised.value) == (
        "registry hello.azurecr.io answered 404 to your login: it was not found; grant yourself AcrPush on it, or set "
        "targets.azure-container-apps.registry_login to docker"
    )


def test_a_registry_that_cannot_be_reached_is_one_line() -> None:
    with routes({}) as (url, _):
        pass
    with pytest.raises(UnmoorError, match=r"registry hello\.azurecr\.io cannot be reached: .*; run this again"):
        exchange_token(SERVER, "a-tenant", "a-token", base=url, retries=ONCE)


def test_a_recording_has_no_token_and_asks_nobody() -> None:
    assert exchange_token(SERVER, "a-tenant", "") == ""
