"""Amazon's API with the credentials that botocore finds: profiles, SSO, roles, variables."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from unmoor.doctor.account import Account
from unmoor.errors import UnmoorError
from unmoor.operate.errors import OperateError, first_sentence
from unmoor.operate.platform_api import parse_http_date

CONNECT_S, READ_S, TRIES = 10, 30, 3


def client(service: str, region: str) -> Any:
    """A client of one service in a region; UnmoorError if botocore is not installed."""
    if find_spec("botocore") is None:
        raise UnmoorError("AWS needs botocore; run pip install 'unmoor[aws]'")
    from botocore.config import Config
    from botocore.session import Session

    how = Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries={"total_max_attempts": TRIES})
    return call_aws(lambda: Session().create_client(service, region_name=region, config=how))


def call_aws(ask: Callable[[], Any]) -> Any:
    """The result of the call; OperateError in one line if it fails."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return ask()
    except ClientError as error:
        details = error.response.get("Error", {})
        text = " ".join(str(details.get("Message") or details.get("Code")).split())[:300]
        raise OperateError(f"AWS refused {error.operation_name}: {text}") from None
    except BotoCoreError as error:
        raise OperateError(f"AWS cannot be reached: {first_sentence(str(error))}") from None


def caller_identity(region: str) -> Account:
    """The account and the identity that is logged in."""
    sts = client("sts", region)
    answer = call_aws(sts.get_caller_identity)
    at = parse_http_date(answer["ResponseMetadata"]["HTTPHeaders"].get("date", ""))
    return Account(who=f"account {answer['Account']}, {answer['Arn']}", at=at)
