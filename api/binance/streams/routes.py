"""REST of listen keys: POST, PUT and DELETE userDataStream, by the header of the key alone.

Layer: api.binance.
"""

from __future__ import annotations

from typing import Final

import msgspec
from flask import Blueprint, Response, request

from api.auth.authenticator import requesting_principal
from api.binance.requests import Asked, parameters, read
from api.binance.streams.listen_keys import ListenKeys
from api.binance.surface import described, surface
from api.http.documented import Access
from api.http.responses import answer
from identity.users import Scope

BLUEPRINT: Final = "binance_user_data"


class ListenKeyAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """POST userDataStream."""

    listen_key: str


class ListenKeyDone(msgspec.Struct, frozen=True):
    """An empty object."""


class ListenKeyAsked(Asked, frozen=True, kw_only=True):
    """PUT and DELETE userDataStream."""

    listen_key: str


def blueprint(keys: ListenKeys) -> Blueprint:
    """The routes of listen keys."""
    routes = surface(BLUEPRINT, "/api/v3")

    @routes.post("/userDataStream")
    @described(Access.ACCOUNT, ListenKeyAnswer)
    def make() -> Response:
        """A listen key: whoever has it may follow the account at /ws/LISTENKEY for 60 minutes. One for each API key."""
        return answer(ListenKeyAnswer(keys.make(requesting_principal(Scope.READ))))

    @routes.put("/userDataStream")
    @described(Access.ACCOUNT, ListenKeyDone, query=ListenKeyAsked)
    def extend() -> Response:
        """Make a listen key valid for 60 minutes from now."""
        keys.extend(requesting_principal(Scope.READ), _asked().listen_key)
        return answer(ListenKeyDone())

    @routes.delete("/userDataStream")
    @described(Access.ACCOUNT, ListenKeyDone, query=ListenKeyAsked)
    def close() -> Response:
        """End a listen key, and who follows it."""
        keys.close(requesting_principal(Scope.READ), _asked().listen_key)
        return answer(ListenKeyDone())

    return routes


def _asked() -> ListenKeyAsked:
    return read(parameters(request.query_string.decode("utf-8", "replace"), request.get_data()), ListenKeyAsked)
