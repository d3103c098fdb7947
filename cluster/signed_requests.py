"""The signature of the request that a node carries out just now goes with what it submits, so that it is good once.

Each node refuses by itself what came to it before, as a single server does. What changes something is refused by the
writer as well where it came to another node: the first submission of a signed request has its mark in the record
(`projections.used_signatures`), so the next writer knows it, too. What is done elsewhere than in the records is claimed
by a record of its own, before it is done.
Layer: cluster. For the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

from projections.used_signatures import UsedSignatures, mark_of

AHEAD_MS: Final = 1_000 + 2_000  # that a client's clock may be ahead of a node's, and a node's of the one that writes


class SignedRequests:
    """The marks of the requests that greenlets of this node carry out, and those that the records have."""

    def __init__(self, used: UsedSignatures, claim: Callable[[], object]) -> None:
        """`claim`: have a record made that does nothing, with the mark of now. Cooperative; raises as `submit`."""
        self._used = used
        self._claim = claim
        self._mark: ContextVar[bytes] = ContextVar("mark of the signed request", default=b"")
        # of the request that this greenlet carries out and has submitted nothing of; b"": it is not signed
        self.mark_now: Callable[[], bytes] = self._mark.get

    def begin(self, signed_ms: int, signature: bytes) -> bool:
        """This greenlet carries out a signed request; whether its signature is new, as far as this node knows. O(1)."""
        mark = mark_of(signed_ms, signature)
        if self._used.knows(mark):
            return False
        self._mark.set(mark)
        return True

    def end(self) -> None:
        """What this greenlet submits from now on is of no signature, or of one that the records have. O(1)."""
        if self._mark.get():
            self._mark.set(b"")

    def claim(self) -> None:
        """Have the records know the signature, where they do not. Cooperative.

        Raises NotAccepting, of which SignatureUsed where it came before, and OutcomeUnknown.
        """
        if self._mark.get():
            self._claim()
