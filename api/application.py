"""The Flask application without its routes: errors, limits, credentials, and what it says of sharing.

Layer: api.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, request
from flask_cors import CORS

from api.auth import authenticator as authentication
from api.auth.authenticator import Authenticator, requesting_operator
from api.faults import flask_hooks
from api.faults.injector import FaultInjector
from api.http import errors, idempotency, latencies, limits, min_seq, strict, symbols
from api.http.limits import RateLimits
from api.http.origins import Origins
from api.http.positions import Positions
from api.http.strict import WholeNumberConverter
from api.nodes import sharing
from api.settings import Settings, is_loopback
from engine.exchange import Exchange
from loop.shared_table import SharedTable


def flask_app(
    settings: Settings,
    exchange: Exchange,
    authenticator: Authenticator,
    injector: FaultInjector,
    origins: Origins,
    positions: Positions,
    table: SharedTable | None = None,
) -> tuple[Flask, RateLimits | None]:
    """An application without routes: errors, limits and credentials; and the limits, where there are any.

    `origins` are those whose pages may call it; requests with a `min_seq` wait at `positions`.
    `table`: where all processes of this server count, where there are several.
    """
    app = Flask("openbell", static_folder=None)
    app.url_map.converters["int"] = WholeNumberConverter
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]
    latencies.install(app)
    errors.install(app)
    strict.install_body_limits(app)  # before the limits, which read a body that is signed
    rate_limits = limits.install(app, settings, authenticator.rate_key, table)
    if settings.cors_origins:
        CORS(app, origins=list(settings.cors_origins))
    sharing.install(app, origins)
    authentication.install(app, authenticator, secured=settings.profile == "secured")
    flask_hooks.install(app, injector, authenticator)
    min_seq.install(app, positions)
    idempotency.install(app)
    strict.install(app)
    symbols.install(app, exchange)
    return app, rate_limits


def sharing_headers(app: Flask, settings: Settings) -> list[tuple[str, str]] | None:
    """What Flask-CORS adds to each answer to a request without Origin; None where it is not used."""
    if not settings.cors_origins:
        return None
    with app.test_request_context():
        plain = Response()
        before = list(plain.headers)
        return [header for header in app.process_response(plain).headers if header not in before]


def operators_only(settings: Settings) -> Callable[[], object]:
    """What lets operators pass, and in a sandbox whoever asks from its own machine. Raises ApiError 401 or 403."""

    def require() -> None:
        if not (settings.sandbox and is_loopback(request.remote_addr or "")):
            requesting_operator()

    return require
