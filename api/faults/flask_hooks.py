"""Faults of the requests that Flask answers: asked for behind credentials and limits, and before the handler.

Layer: api.faults.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from api.auth.authenticator import Authenticator, WireRefusal
from api.faults.injector import FaultInjector
from api.http.front.serving import ClientGone
from api.http.processing import PROCESSING, processing_of
from api.http.wsgi import Environ, StartResponse, WsgiApp
from api.json.errors import ApiError
from engine.types import AccountId

FAULTS: Final = "openbell.faults"  # in the environ


def begin_faults(injector: FaultInjector, environ: Environ, account: AccountId | None) -> None:
    """Find the faults of a request, and have happen what comes before it is carried out. Cooperative.

    Raises ApiError, or ClientGone where its connection is dropped.
    """
    faults = injector.of_request(environ, account)
    if faults is not None:
        environ[FAULTS] = faults
        environ.setdefault(PROCESSING, processing_of(environ)).faults = faults
        faults.before()


def install(app: Flask, injector: FaultInjector, authenticator: Authenticator) -> None:
    """Have the requests of `app` touched by what `injector` has for who sends them."""

    @app.before_request
    def before() -> Response | None:
        if not injector.active:
            return None
        try:
            begin_faults(injector, request.environ, _account(authenticator))
        except ClientGone:
            return Response(status=503)  # which nobody gets
        return None

    @app.after_request
    def after(response: Response) -> Response:
        faults = request.environ.get(FAULTS)
        if faults is None:
            return response
        try:
            faults.after()
        except ClientGone:
            return response  # which nobody gets
        except ApiError as refusal:
            response = app.make_response(app.handle_user_exception(refusal))
        header = faults.header
        if header is not None:
            response.headers[header[0]] = header[1]
        return response


class Dropping:
    """Wraps a WSGI application: the connection of a request that a fault drops ends without an answer."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """As the application. Raises ClientGone."""
        pieces = self._app(environ, start_response)
        faults = processing_of(environ).faults
        if faults is not None and faults.is_dropped:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
            raise ClientGone("a fault that was asked for")
        return pieces


def _account(authenticator: Authenticator) -> AccountId | None:
    """Whose the current request is; None of somebody without an account, or with bad credentials."""
    try:
        return authenticator.of_request().account
    except (ApiError, WireRefusal, RequestEntityTooLarge):  # of what is signed, the body is read
        return None
