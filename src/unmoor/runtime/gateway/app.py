"""The ASGI application: routes, error handlers and authentication."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.types import ASGIApp

from unmoor.container import INVOCATIONS_PATH
from unmoor.runtime.gateway.http.auth import AuthMiddleware
from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.error_handlers import exception_handlers
from unmoor.runtime.gateway.http.routes import all_routes


def application(api: ApiContext) -> ASGIApp:
    """Builds the application."""
    starlette = Starlette(routes=all_routes(api), exception_handlers=exception_handlers(api.log, api.redact))
    starlette.router.redirect_slashes = False
    also_open = (INVOCATIONS_PATH,) if api.invocations_open else ()
    return AuthMiddleware(
        app=starlette, token=api.token, log=api.log, metrics=api.metrics, redact=api.redact, also_open=also_open
    )
