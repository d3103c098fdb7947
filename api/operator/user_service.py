"""What operators do with users: who is signed in, passwords, roles, second factors, and who may sign in at all.

Layer: api.operator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.auth.identity_calls import IdentityCalls
from api.auth.principals import Principal
from api.auth.service import AuthService
from api.json.errors import ApiError
from identity import passwords
from identity.errors import LastOperator, NameTaken, NoPassword, UnknownUser
from identity.store import Identity
from identity.user_changes import UserChange
from identity.users import COMMAND_LINE, Actor, ApiKey, Role, Session, User


class UserService:
    """For the event loop's thread; its methods let other greenlets run. What they end, ends at once.

    All raise ApiError 404 for a name that nobody has.
    """

    def __init__(self, identity: Identity, calls: IdentityCalls, auth: AuthService) -> None:
        self._identity = identity
        self._calls = calls
        self._auth = auth

    def of(self, name: str) -> tuple[User, list[Session], list[ApiKey]]:
        """A user, and their live sessions and keys, newest first."""
        user = self._user(name)
        sessions = self._calls.ask(self._identity.sessions_of, user.user_id)
        return user, sessions, self._calls.ask(self._identity.keys_of, user.user_id)

    def find(self, name: str) -> User | None:
        """The user of that name, in any case; None where there is none."""
        return self._calls.ask(self._identity.user_of, name=name)

    def create(self, name: str, operator: Principal) -> tuple[User, str]:
        """A new trader, and the password that is made up for them. Raises ApiError 409 when the name is taken."""
        password = passwords.made_up()
        password_hash = self._calls.hashed(password)
        try:
            user = self._calls.ask(self._identity.create_user, name, password_hash, Role.TRADER, _actor(operator))
        except NameTaken as problem:
            raise ApiError(409, "NAME_TAKEN", f"Somebody has the name {name} already.", {"field": "name"}) from problem
        return user, password

    def change(self, name: str, action: str, operator: Principal) -> UserChange:
        """Do what a route of users is named by; the user's sessions and keys end. Raises ApiError 403, 409 too."""
        if action == "reset_totp":
            _require_another(name, operator)
        changes = self._identity.changes
        carry_out = {
            "disable": changes.disable,
            "enable": changes.enable,
            "promote": changes.promote,
            "demote": changes.demote,
            "revoke": changes.revoke,
            "reset_totp": changes.reset_second_factor,
        }[action]
        return self._changed(carry_out, name, _actor(operator))

    def reset_password(self, name: str, operator: Principal) -> tuple[UserChange, str]:
        """Make up a password for a user who lost theirs, good for a day; their sessions and keys end.

        Raises ApiError 403, 409 too.
        """
        _require_another(name, operator)
        password = passwords.made_up()
        password_hash = self._calls.hashed(password)
        return self._changed(self._identity.changes.reset_password, name, password_hash, _actor(operator)), password

    def end_session(self, name: str, session_id: str, operator: Principal) -> None:
        """End one session of a user. Raises ApiError 404."""
        user = self._user(name)
        self._auth.end_session_of(user.user_id, session_id, "operator", _actor(operator))

    def _user(self, name: str) -> User:
        user = self._calls.ask(self._identity.user_of, name=name)
        if user is None:
            raise _unknown()
        return user

    def _changed(self, carry_out: Callable[..., UserChange], *arguments: Any) -> UserChange:
        try:
            change = self._calls.ask(carry_out, *arguments)
        except UnknownUser as problem:
            raise _unknown() from problem
        except LastOperator as problem:
            sentence = "Nobody would be left to operate the venue; promote another operator first."
            raise ApiError(409, "LAST_OPERATOR", sentence) from problem
        except NoPassword as problem:
            raise ApiError(409, "NO_PASSWORD", "A guest has no password, so they could not sign in.") from problem
        self._auth.drop(change.ended)
        return change


def _actor(operator: Principal) -> Actor:
    return COMMAND_LINE if operator.user is None else operator.user.actor


def _require_another(name: str, operator: Principal) -> None:
    """Raise ApiError 403 where an operator would get round the password or the code that is asked of themselves."""
    if name.lower() == operator.name.lower():
        sentence = "Another operator resets that, or the command line; what you know, you change by /auth."
        raise ApiError(403, "ANOTHER_OPERATOR_NEEDED", sentence)


def _unknown() -> ApiError:
    return ApiError(404, "UNKNOWN_USER", "Nobody has that name; GET /admin/accounts lists who there is.")
