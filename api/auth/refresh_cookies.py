"""Refresh tokens in cookies, which no script of a page can read and no other site can have sent.

One cookie for each session of a browser, named by it: tabs of several accounts go on side by side. Under TLS its name
has the prefix that lets browsers take it from this very host alone.
Layer: api.auth.
"""

from __future__ import annotations

from typing import Final

from flask import Response, request

from api.http.guard import own_origin
from api.http.origins import Origins
from api.json.errors import ApiError

PREFIX: Final = "openbell-"
SECURE_PREFIX: Final = f"__Host-{PREFIX}"
PATH: Final = "/auth"  # under TLS "/", which the prefix wants
COOKIES_MAX: Final = 16  # sessions of one browser; of more the oldest is forgotten
SESSION_ID_MAX: Final = 64


def put(response: Response, session_id: str, token: str, seconds: int) -> Response:
    """Have the browser keep the refresh token of a session for `seconds`."""
    for name in _names()[: -COOKIES_MAX + 1]:
        if name != _name(session_id):
            _delete(response, name)
    response.set_cookie(
        _name(session_id),
        token,
        max_age=seconds,
        path=_path(),
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


def forget(response: Response, session_id: str) -> Response:
    """Have the browser forget the refresh token of a session, where it keeps one."""
    if _name(session_id) in request.cookies:
        _delete(response, _name(session_id))
    return response


def shown(session_id: str, origins: Origins) -> str | None:
    """The refresh token of a session that the request shows. Raises ApiError 403 when no page of ours sent it.

    A browser shows a cookie to every port of a name, so pages of other nodes on this very machine have it too.
    """
    token = request.cookies.get(_name(session_id))
    origin = request.headers.get("Origin", "")
    if token is not None and origin != own_origin(request.environ) and not origins.is_node(origin):
        raise ApiError(403, "FOREIGN_ORIGIN", "Only pages of this server may show its cookies.")
    return token


def _names() -> list[str]:
    """Of our cookies that the request shows, the oldest first, as browsers send them."""
    return [name for name in request.cookies if name.startswith(_prefix())]


def _prefix() -> str:
    return SECURE_PREFIX if request.is_secure else PREFIX


def _name(session_id: str) -> str:
    return f"{_prefix()}{session_id[:SESSION_ID_MAX]}"


def _path() -> str:
    return "/" if request.is_secure else PATH


def _delete(response: Response, name: str) -> None:
    response.delete_cookie(name, path=_path(), secure=request.is_secure, httponly=True, samesite="Strict")
