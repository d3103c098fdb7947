"""What changes a user: another password or role, disabling, and ending all their sessions and keys.

Each is one transaction, with its line in the audit trail. What has ended is returned, for a running server to let
nobody in by it any more; other servers, and one beside which the command line did it, see the generation grow.
Layer: identity. Everything here blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, func, select, update

from identity.audit_trail import note
from identity.database import Database
from identity.errors import LastOperator, NoPassword, UnknownUser
from identity.queries import Ended, end_all_of, of_name_or_account
from identity.schema import USERS
from identity.users import Actor, Role, User, user_from

RESET_HOURS: Final = 24  # for which a password that was given by a reset is good


class UserChange(NamedTuple):
    """A user as they are now, and what ended with the change."""

    user: User
    ended: Ended


class UserChanges:
    """Changes of users, by themselves, by operators, and from the command line."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    def promote(self, name: str, actor: Actor) -> UserChange:
        """Make a user with a password an operator. Raises UnknownUser, NoPassword."""
        return self._change(name, "user_promoted", actor, {"role": Role.OPERATOR.value}, needs_password=True)

    def demote(self, name: str, actor: Actor, *, even_the_last: bool = False) -> UserChange:
        """Make an operator a trader. Raises UnknownUser, LastOperator."""
        return self._change(name, "user_dismissed", actor, {"role": Role.TRADER.value}, even_the_last=even_the_last)

    def disable(self, name: str, actor: Actor, *, even_the_last: bool = False) -> UserChange:
        """Let a user sign in no more. Raises UnknownUser, LastOperator."""
        return self._change(name, "user_disabled", actor, {"disabled": True}, even_the_last=even_the_last)

    def enable(self, name: str, actor: Actor) -> UserChange:
        """Let a user sign in again. Raises UnknownUser."""
        return self._change(name, "user_enabled", actor, {"disabled": False}, even_the_last=True)

    def revoke(self, name: str, actor: Actor) -> UserChange:
        """End every session and key of a user, who may sign in again. Raises UnknownUser."""
        return self._change(name, "user_revoked", actor, {}, even_the_last=True)

    def reset_password(self, name: str, password_hash: str, actor: Actor) -> UserChange:
        """Give a user another password, good for `RESET_HOURS`. Raises UnknownUser, NoPassword."""
        until = self._clock() + RESET_HOURS * 3600 * 10**9
        changed = {"password_hash": password_hash, "password_until_ns": until}
        return self._change(name, "password_reset", actor, changed, needs_password=True)

    def reset_second_factor(self, name: str, actor: Actor) -> UserChange:
        """Ask a user for no codes any more. Raises UnknownUser."""
        cleared = {"totp_secret": None, "totp_step": None}  # nosec B105 # there is none
        return self._change(name, "totp_reset", actor, cleared)

    def replace_password(self, user: User, former_hash: str, password_hash: str, session_id: str) -> Ended:
        """The user's own change, who showed the former password: their other sessions end. Raises UnknownUser.

        Keys go on, and so does `session_id`.
        """
        with self._database.begin() as connection:
            changed = connection.execute(
                update(USERS)
                .where(
                    USERS.c.user_id == user.user_id,
                    USERS.c.disabled.is_(False),
                    USERS.c.password_hash == former_hash,
                )
                .values(password_hash=password_hash, password_until_ns=None)
            ).rowcount
            if not changed:
                raise UnknownUser("they may not sign in any more, or have another password already")
            ended = end_all_of(connection, user.user_id, self._clock(), except_session=session_id, keys=False)
            note(connection, self._clock(), user.actor, "password_changed", user.name, ended.counts)
        return ended

    def end_sessions(self, user: User) -> Ended:
        """End every session of a user, by themselves."""
        with self._database.begin() as connection:
            ended = end_all_of(connection, user.user_id, self._clock(), keys=False)
            note(connection, self._clock(), user.actor, "sessions_ended", user.name, ended.counts)
        return ended

    def change_row(
        self, connection: Connection, row: Row[Any], changed: dict[str, Any], action: str, actor: Actor
    ) -> UserChange:
        """Set columns of a user, and end their sessions and keys."""
        if changed:
            connection.execute(update(USERS).where(USERS.c.user_id == row.user_id).values(**changed))
        ended = end_all_of(connection, row.user_id, self._clock())
        said = {name: str(value) for name, value in changed.items() if name in ("role", "disabled")}
        note(connection, self._clock(), actor, action, row.name, said | ended.counts)
        after = connection.execute(select(USERS).where(USERS.c.user_id == row.user_id)).one()
        return UserChange(user_from(after), ended)

    def _change(
        self,
        name: str,
        action: str,
        actor: Actor,
        changed: dict[str, Any],
        *,
        needs_password: bool = False,
        even_the_last: bool = True,
    ) -> UserChange:
        with self._database.begin() as connection:
            row = connection.execute(of_name_or_account(name, None)).one_or_none()
            if row is None:
                raise UnknownUser(f"there is no user {name}")
            if needs_password and row.password_hash is None:
                raise NoPassword(f"{row.name} is a guest, who has no password")
            if not even_the_last and row.role == Role.OPERATOR and not row.disabled and _operators(connection) == 1:
                raise LastOperator(f"{row.name} is the last operator")
            return self.change_row(connection, row, changed, action, actor)


def _operators(connection: Connection) -> int:
    """How many there are who can sign in."""
    enabled = (USERS.c.role == Role.OPERATOR.value, USERS.c.disabled.is_(False))
    return int(connection.execute(select(func.count()).where(*enabled)).scalar_one())
