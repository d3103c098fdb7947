"""What users change of themselves: the password, and the second factor.

Layer: api.auth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import segno

from api.auth.identity_calls import IdentityCalls
from api.auth.principals import Principal
from api.auth.requests import SecondFactorView
from api.auth.service import AuthService
from api.json.errors import ApiError
from identity.errors import SecondFactorOff, SecondFactorOn, UnknownUser
from identity.store import Identity
from identity.users import User


class OwnUserService:
    """For the event loop's thread; its methods let other greenlets run."""

    def __init__(self, identity: Identity, calls: IdentityCalls, auth: AuthService) -> None:
        self._identity = identity
        self._calls = calls
        self._auth = auth

    def user(self, principal: Principal) -> User:
        """Who asks, as they are now."""
        known = self._calls.ask(self._identity.user_of, name=principal.name)
        if known is None:
            raise _over()
        return known

    def change_password(self, principal: Principal, password: str, code: str | None, new_password: str) -> None:
        """Replace the password; every other session ends. Raises ApiError 400 or 403."""
        user, former_hash = self._reauthenticated(principal, password, code)
        if new_password == password:
            raise ApiError(
                400, "WEAK_PASSWORD", "That is the password you have; take another.", {"field": "new_password"}
            )
        new_hash = self._calls.hashed_new(new_password, user.name, "new_password")
        session_id = principal.session_id or ""
        with _still_there():
            ended = self._calls.ask(self._identity.changes.replace_password, user, former_hash, new_hash, session_id)
        self._auth.drop(ended)

    def begin_second_factor(self, principal: Principal, password: str) -> SecondFactorView:
        """A secret for an authenticator app. Raises ApiError 403, and 409 where a second factor is on."""
        user, _ = self._reauthenticated(principal, password, None, asks_code=False)
        with _still_there():
            secret, uri = self._calls.ask(self._identity.second_factors.begin, user)
        return SecondFactorView(secret=secret, uri=uri, qr=self._calls.compute(qr_lines, uri))

    def confirm_second_factor(self, principal: Principal, code: str) -> None:
        """Turn on the second factor that was begun. Raises ApiError 403 for a wrong code, 409."""
        user = self.user(principal)
        self._auth.reauthentication.count_code(user)
        with _still_there():
            if not self._calls.ask(self._identity.second_factors.confirm, user, code):
                raise ApiError(403, "BAD_CODE", "That code is wrong; is the app's clock right?", {"field": "code"})
        self._auth.reauthentication.forget_codes(user)

    def turn_off_second_factor(self, principal: Principal, password: str, code: str | None) -> None:
        """Sign in without codes from now on. Raises ApiError 403, and 409 where it is off."""
        user, _ = self._reauthenticated(principal, password, code)
        with _still_there():
            self._calls.ask(self._identity.second_factors.turn_off, user)

    def _reauthenticated(
        self, principal: Principal, password: str, code: str | None, *, asks_code: bool = True
    ) -> tuple[User, str]:
        user, password_hash = self._auth.reauthentication.of(principal, password, code, asks_code=asks_code)
        if password_hash is None:
            raise ApiError(403, "NO_PASSWORD", "A guest has no password; sign up to have one.")
        return user, password_hash


@contextmanager
def _still_there() -> Iterator[None]:
    """The store's refusals as answers."""
    try:
        yield
    except UnknownUser as problem:  # disabled, or with another password, this very moment
        raise _over() from problem
    except SecondFactorOn as problem:
        raise ApiError(409, "TOTP_ON", "The second factor is on; turn it off first.") from problem
    except SecondFactorOff as problem:
        raise ApiError(409, "TOTP_OFF", "There is no second factor to turn on or off; begin one first.") from problem


def qr_lines(text: str) -> str:
    """A QR code: lines of 0, light, and 1, dark. Takes about 20 ms."""
    return "\n".join("".join(map(str, row)) for row in segno.make(text, error="m").matrix)


def _over() -> ApiError:
    return ApiError(401, "SESSION_ENDED", "The session is over; sign in again.")
