"""Calls of the identity store and of password hashing, in native threads, with a deadline for each.

Layer: api.auth.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

import eventlet

from api.json.errors import ApiError
from identity import passwords
from identity.common_passwords import common_passwords, why_guessable
from identity.errors import IdentityAway
from logs.limit import limited
from loop.workers import Workers

DATABASE_THREADS: Final = 1  # one thread keeps the order of changes: an ended session is not admitted afterwards
DATABASE_WAITING_MAX: Final = 1_000
HASHES_WAITING_MAX: Final = 50  # about five seconds of hashing
PATIENCE_S: Final = 5.0  # for the database; its own limits are shorter, but a machine may vanish silently

P = ParamSpec("P")
T = TypeVar("T")

log = limited(logging.getLogger(__name__))  # every request that needs it would say so


class _Call:
    """A call, and whether it has ended: set by the database's thread, so it holds also where nobody waits any more."""

    __slots__ = ("_call", "ended")

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self.ended = False

    def __call__(self) -> Any:
        try:
            return self._call()
        finally:
            self.ended = True


class IdentityCalls:
    """The threads of one running server. For the event loop's thread; its methods let other greenlets run."""

    def __init__(self) -> None:
        """Start the threads, and read the common passwords, which blocks."""
        common_passwords()
        self.unanswered = 0  # calls that took too long, whose changes may still come about
        self._given_up: _Call | None = None  # the newest of these: who comes before its end would only wait behind it
        self._database = Workers("identity", DATABASE_THREADS, DATABASE_WAITING_MAX)
        self._hashing = Workers("passwords", 1, HASHES_WAITING_MAX)

    def close(self) -> None:
        """Stop the threads; blocks until what they do is done."""
        self._hashing.close()
        self._database.close()

    def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the store says, in the database's thread. Raises IdentityAway, too where no answer comes in time.

        Raises it at once while an earlier call, which was given up, has still no answer.
        """
        if self._given_up is not None and not self._given_up.ended:
            raise IdentityAway("the identity store has not answered yet what it was asked before")
        asked = _Call(partial(call, *args, **kwargs))
        patience = eventlet.Timeout(PATIENCE_S)
        try:
            result: T = self._database.run(asked)
            return result
        except eventlet.Timeout as over:
            if over is not patience:
                raise
            self.unanswered += 1
            self._given_up = asked
            log.error("the identity store did not answer in %.0f s", PATIENCE_S)
            raise IdentityAway("the identity store does not answer") from None
        finally:
            patience.cancel()

    def hashed(self, password: str) -> str:
        """The hash to keep of `password`."""
        return self._hashing.run(passwords.hashed, password)

    def hashed_new(self, password: str, name: str, field: str = "password") -> str:
        """The hash of a new password of the user `name`. Raises ApiError 400 for one that is guessed soon."""
        why = why_guessable(password, name)
        if why is not None:
            raise ApiError(400, "WEAK_PASSWORD", f"That password {why}; take another.", {"field": field})
        return self.hashed(password)

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` is the one that was hashed."""
        return self._hashing.run(passwords.matches, password_hash, password)

    def compute(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What takes long to compute, in the hashing thread."""
        return self._hashing.run(call, *args, **kwargs)
