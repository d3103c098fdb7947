"""Which signatures of requests the records have, so that what one asked for is done once, whichever server it came to.

A submission of a signed request says so in its `sender`: whose it is, and behind it the mark of the signature. The mark
begins with the time that was signed, so what is forgotten is known by the newest time of it: of what was signed until
then nobody can say whether it came. That needs no clock, and so no two that agree.
Layer: projections.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from typing import Final

from journal.codec import Submission

DOOR_BYTES: Final = 8  # what a front door calls itself
TIME_BYTES: Final = 6  # milliseconds of the epoch, big-endian
MARK_BYTES: Final = TIME_BYTES + 16
SENDER_BYTES: Final = DOOR_BYTES + MARK_BYTES
MARKS_MAX: Final = 200_000  # some 25 MB
GENERATIONS: Final = 4  # which share the number
GENERATION_MS: Final = 40_000  # of signed time, at most: three of them are more than a signature is good for
_PERSON: Final = b"signed request"  # of the hash: who reads the records learns nobody's signature


def mark_of(signed_ms: int, signature: bytes) -> bytes:
    """What stands for a signature in the records, `MARK_BYTES` long. O(1)."""
    digest = hashlib.blake2b(signature, digest_size=MARK_BYTES - TIME_BYTES, person=_PERSON).digest()
    return signed_ms.to_bytes(TIME_BYTES, "big") + digest


def mark_in(sender: bytes) -> bytes:
    """The mark that the `sender` of a submission has; b"" where there is none."""
    return sender[DOOR_BYTES:] if len(sender) == SENDER_BYTES else b""


def _signed_ms(mark: bytes) -> int:
    return int.from_bytes(mark[:TIME_BYTES], "big")


class UsedSignatures:
    """The marks of the records, the newest of them. `note` must get the submissions of every record."""

    def __init__(self, marks_max: int = MARKS_MAX) -> None:
        """`marks_max`: how many are remembered at most."""
        self._marks = max(1, marks_max // GENERATIONS)  # of each
        self._generations: deque[dict[bytes, None]] = deque()  # oldest first
        self._since_ms = 0  # the signed time that the newest began with
        self._until_ms: deque[int] = deque()  # the newest signed time of each
        self.forgotten_ms = 0  # of what was signed until then it is not known whether it came

    def __len__(self) -> int:
        """How many are remembered."""
        return sum(map(len, self._generations))

    def note(self, submissions: Iterable[Submission]) -> None:
        """Remember the marks of submissions. O(submissions)."""
        for each in submissions:
            if each.sender and (mark := mark_in(each.sender)):
                self._note(mark)

    def knows(self, mark: bytes) -> bool:
        """Whether a record has it. O(1)."""
        return any(mark in generation for generation in self._generations)

    def may_have_forgotten(self, mark: bytes) -> bool:
        """Whether it may have been in a record, though none is known that has it."""
        return _signed_ms(mark) <= self.forgotten_ms

    def forget_until(self, signed_ms: int) -> None:
        """Nothing is known of what was signed until then, in milliseconds of the epoch."""
        self.forgotten_ms = max(self.forgotten_ms, signed_ms)

    def _note(self, mark: bytes) -> None:
        signed_ms = _signed_ms(mark)
        if (
            not self._generations
            or len(self._generations[-1]) >= self._marks
            or signed_ms - self._since_ms > GENERATION_MS
        ):
            self._generations.append({})
            self._until_ms.append(0)
            self._since_ms = signed_ms
            if len(self._generations) > GENERATIONS:
                self._generations.popleft()
                self.forget_until(self._until_ms.popleft())
        self._generations[-1][mark] = None
        self._until_ms[-1] = max(self._until_ms[-1], signed_ms)
