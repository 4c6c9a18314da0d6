"""Who is logged in, as each platform says it; asked of servers on loopback that answer as the platform's reference has it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from scripted_server import Said, answering

from unmoor.operate.errors import OperateError
from unmoor.operate.platform_api import Api
from unmoor.targets.aws_ecs import account as aws
from unmoor.targets.azure_container_apps import account as azure
from unmoor.targets.gcp_cloud_run import account as google

DATE = {"Date": "Sun, 01 Mar 2026 12:00:00 GMT"}
SUBSCRIPTION = {
    "id": "/subscriptions/00000000-0000-0000-0000-000000000001",
    "subscriptionId": "00000000-0000-0000-0000-000000000001",
    "displayName": "Pay as you go",
    "tenantId": "00000000-0000-0000-0000-000000000002",
    "state": "Enabled",
}


def api(url: str, name: str = "Azure") -> Api:
    return Api(name=name, base=url, token=lambda: "a-token")


@pytest.mark.slow
def test_aws_says_account_and_arn(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    found = aws.caller_identity("eu-west-1")
    assert found.who == "account 123456789012, arn:aws:sts::123456789012:user/moto"
    assert found.at is not None


def test_aws_without_credentials_has_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(OperateError) as raised:
        aws.caller_identity("eu-west-1")
    assert str(raised.value) == "AWS cannot be reached: Unable to locate credentials"


def test_aws_says_its_own_words_where_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    body = (
        b"<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>"
        b"<Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>"
    )
    with answering(Said(403, body, {"content-type": "text/xml"})) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        with pytest.raises(OperateError) as raised:
            aws.caller_identity("eu-west-1")
    assert str(raised.value) == (
        "AWS refused GetCallerIdentity: The security token included in the request is invalid."
    )


def test_azure_says_subscription_and_tenant() -> None:
    with answering(Said(200, SUBSCRIPTION)) as server:
        found = azure.caller_identity(SUBSCRIPTION["subscriptionId"], api(server.url))
    assert found.who == (
        "subscription Pay as you go (00000000-0000-0000-0000-000000000001), tenant 00000000-0000-0000-0000-000000000002"
    )
    assert found.at is not None
    asked = server.asked[0]
    assert asked.path == f"/subscriptions/{SUBSCRIPTION['subscriptionId']}?api-version=2022-12-01"
    assert asked.headers["authorization"] == "Bearer a-token"


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "the login has no subscription"), (2, "the login has 2 subscriptions")],
)
def test_azure_without_one_subscription_says_what_to_set(
    count: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in azure.SUBSCRIPTION:
        monkeypatch.delenv(name, raising=False)
    with answering(Said(200, {"value": [SUBSCRIPTION] * count})) as server, pytest.raises(OperateError) as raised:
        azure.caller_identity("", api(server.url))
    assert str(raised.value) == f"{said}; set targets.azure-container-apps.subscription_id"


def test_google_says_project_and_address() -> None:
    with answering(Said(200, {"email": "a@example.com", "expires_in": "3599", "scope": "x"})) as server:
        found = google.caller_identity("my-project", api(server.url, "Google"))
    assert found.who == "project my-project, a@example.com"
    assert (server.asked[0].path, server.asked[0].body) == ("/tokeninfo", b"access_token=a-token")


def test_a_refusal_is_said_in_the_platforms_words() -> None:
    refused = {"error": {"code": "SubscriptionNotFound", "message": "The subscription\nwas not found."}}
    with answering(Said(403, refused)) as server, pytest.raises(OperateError) as raised:
        azure.caller_identity("x", api(server.url))
    assert str(raised.value) == "Azure answered 403: The subscription was not found."


@pytest.mark.slow
def test_azure_without_a_login_has_one_line_and_nothing_beside_it(tmp_path) -> None:
    code = (
        "from unmoor.targets.azure_container_apps.account import arm\n"
        "from unmoor.errors import UnmoorError\n"
        "try: arm().token()\n"
        "except UnmoorError as error: print(error)"
    )
    # What asks other machines than this one is left out.
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "AZURE_TOKEN_CREDENTIALS": "dev"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    expected = "no token from Azure: DefaultAzureCredential failed to retrieve a token from the included credentials\n"
    assert (done.stdout, done.stderr) == (expected, "")


def test_google_without_credentials_has_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(OperateError) as raised:
        google.token()
    assert str(raised.value).startswith("no token from Google: ")
    assert "\n" not in str(raised.value)
