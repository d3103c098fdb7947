"""Rate limits per client address, where they can matter at all.

In a sandbox that only this machine can reach nothing is installed, so nothing is paid.
Layer: api.
"""

from __future__ import annotations

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from api.settings import Settings, is_loopback


def install(app: Flask, settings: Settings) -> Limiter | None:
    """Limit `app` as the settings say; None when there is nothing to limit."""
    if settings.rate_limit == "off" or (settings.profile == "sandbox" and settings.loopback):
        return None
    limiter = Limiter(
        get_remote_address,
        app=app,
        application_limits=[settings.rate_limit],
        storage_uri="memory://",
        headers_enabled=True,
    )

    @limiter.request_filter
    def own_machine() -> bool:
        """Loopback is never limited in the sandbox profile."""
        return settings.profile == "sandbox" and is_loopback(request.remote_addr or "")

    return limiter
