"""Second factors: codes of an authenticator app by time (RFC 6238), each good once.

The secret is kept as API keys' secrets are, encrypted under the server's secret. It counts once a first code has
shown that the app has it.
Layer: identity. Everything here blocks.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Final

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection, or_, select, update

from identity.audit_trail import note
from identity.database import Database
from identity.errors import SecondFactorOff, SecondFactorOn, UnknownUser
from identity.schema import USERS
from identity.users import User

STEP_S: Final = 30
CLOCK_STEPS: Final = 1  # how many steps the app's clock may be before or behind ours
ISSUER: Final = "Openbell"


class SecondFactors:
    """Those of every user."""

    def __init__(self, database: Database, vault: Fernet, clock: Callable[[], int]) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    def begin(self, user: User) -> tuple[str, str]:
        """A new secret in base32, and the otpauth URI of it; `confirm` turns it on. Raises SecondFactorOn."""
        secret = pyotp.random_base32()
        with self._database.begin() as connection:
            row = self._row(connection, user)
            if row.totp_step is not None:
                raise SecondFactorOn("the second factor is on")
            encrypted = self._vault.encrypt(secret.encode())
            connection.execute(update(USERS).where(USERS.c.user_id == user.user_id).values(totp_secret=encrypted))
        return secret, pyotp.TOTP(secret).provisioning_uri(name=user.name, issuer_name=ISSUER)

    def confirm(self, user: User, code: str) -> bool:
        """Turn on what was begun, by a code of it; False for a wrong one. Raises SecondFactorOn, SecondFactorOff."""
        with self._database.begin() as connection:
            row = self._row(connection, user)
            if row.totp_step is not None:
                raise SecondFactorOn("the second factor is on")
            if row.totp_secret is None:
                raise SecondFactorOff("it was not begun")
            confirmed = self._use(connection, row, code)
            if confirmed:
                note(connection, self._clock(), user.actor, "totp_on", user.name)
        return confirmed

    def use(self, user: User, code: str) -> bool:
        """Whether `code` is good now, which it is once."""
        with self._database.begin() as connection:
            row = self._row(connection, user)
            return row.totp_step is not None and self._use(connection, row, code)

    def turn_off(self, user: User) -> None:
        """Ask the user for no codes any more; whoever asks for this has shown one. Raises SecondFactorOff."""
        with self._database.begin() as connection:
            if self._row(connection, user).totp_step is None:
                raise SecondFactorOff("the second factor is off")
            connection.execute(
                update(USERS).where(USERS.c.user_id == user.user_id).values(totp_secret=None, totp_step=None)
            )
            note(connection, self._clock(), user.actor, "totp_off", user.name)

    @staticmethod
    def _row(connection: Connection, user: User) -> Any:
        row = connection.execute(select(USERS).where(USERS.c.user_id == user.user_id)).one_or_none()
        if row is None or row.disabled:
            raise UnknownUser("they may not sign in any more")
        return row

    def _use(self, connection: Connection, row: Any, code: str) -> bool:
        """Whether `code` is of a step about now, behind the last one that was used; that step is used then."""
        try:
            totp = pyotp.TOTP(self._vault.decrypt(row.totp_secret).decode())
        except InvalidToken:  # it was made under another server secret
            return False
        now = self._clock() // (STEP_S * 10**9)
        for step in range(now - CLOCK_STEPS, now + CLOCK_STEPS + 1):
            if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
                unused = or_(USERS.c.totp_step.is_(None), USERS.c.totp_step < step)
                used = update(USERS).where(USERS.c.user_id == row.user_id, unused).values(totp_step=step)
                return bool(connection.execute(used).rowcount)
        return False
