"""The submissions of a front door that have no answer yet: kept with their bytes, to be sent to whoever is the writer.

Layer: cluster. No I/O, no clock. For the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.commands import EnterOrder
from engine.events import CommandResult
from loop.reply import Reply
from sequencer.port import OutcomeUnknown, Submit


class Unanswered(Reply[list[CommandResult]]):
    """One submission. Its caller waits for it."""

    __slots__ = ("frame", "out", "since", "submission")

    def __init__(self, submission: Submit, frame: bytes, since: float) -> None:
        """`frame`: its bytes on the link. `since`: the caller's moment, in seconds of a steady clock."""
        super().__init__()
        self.submission = submission
        self.frame = frame
        self.since = since
        self.out = 0  # how often it was sent without an answer: whoever got it may have taken it


class UnansweredSubmissions:
    """All of them, in the order in which they were made."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, Unanswered] = {}
        self.commands = 0  # in all of them

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_key)

    def __iter__(self) -> Iterator[Unanswered]:
        """All, oldest first; they may be taken out meanwhile."""
        return iter(list(self._by_key.values()))

    def get(self, key: bytes) -> Unanswered | None:
        """The one with this key. O(1)."""
        return self._by_key.get(key)

    def add(self, one: Unanswered) -> None:
        """Note one that is new."""
        self._by_key[one.submission.key] = one
        self.commands += len(one.submission.commands)

    def take(self, key: bytes) -> Unanswered | None:
        """Take out the one with this key, to be answered; None where there is none (any more). O(1)."""
        one = self._by_key.pop(key, None)
        if one is not None:
            self.commands -= len(one.submission.commands)
        return one

    def overdue(self, before: float) -> list[Unanswered]:
        """Take out those that were made before a moment, oldest first. O(them)."""
        found = []
        for one in self._by_key.values():
            if one.since >= before:
                break
            found.append(one)
        for one in found:
            self.take(one.submission.key)
        return found


def unknown_outcome(one: Unanswered) -> OutcomeUnknown:
    """What its caller is answered where nobody can say what became of it."""
    commands = one.submission.commands
    name = commands[0].client_order_id if len(commands) == 1 and isinstance(commands[0], EnterOrder) else None
    return OutcomeUnknown(one.submission.key, name)
