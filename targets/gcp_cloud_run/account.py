"""Google's APIs with the application default credentials of this machine."""

from __future__ import annotations

import os
from importlib.util import find_spec
from urllib.parse import urlencode

from unmoor.doctor.account import Account
from unmoor.errors import UnmoorError
from unmoor.operate.errors import OperateError, first_sentence
from unmoor.operate.platform_api import Api

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# Returns the identity of a token: https://cloud.google.com/docs/authentication/token-types#access
TOKENS = "https://oauth2.googleapis.com"


def google(base: str, variable: str) -> Api:
    """One of Google's APIs with this user's credentials; the variable overrides its address."""
    return Api(name="Google", base=os.environ.get(variable, base), token=token)


def caller_identity(project: str, api: Api | None = None) -> Account:
    """The project and the user's email address."""
    asking = api or google(TOKENS, "UNMOOR_GOOGLE_TOKENS")
    body = urlencode({"access_token": asking.token()}).encode()
    answer = asking.answer("POST", "/tokeninfo", body, "application/x-www-form-urlencoded")
    email = answer.values.get("email") or "an identity without an e-mail address"
    return Account(who=f"project {project}, {email}" if project else email, at=answer.at)


def token() -> str:
    """An access token; OperateError in one line without credentials."""
    if find_spec("google.auth") is None:
        raise UnmoorError("Google needs google-auth; run pip install 'unmoor[gcp]'")
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        credentials.refresh(Request())
    except GoogleAuthError as error:
        raise OperateError(f"no token from Google: {first_sentence(str(error))}") from None
    return str(credentials.token)
