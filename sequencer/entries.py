"""What waits to be sequenced: commands of one caller, and those that came under a key, none of them twice.

Layer: sequencer. For the event loop's thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from engine.commands import Command
from engine.events import CommandResult
from engine.types import Seq
from journal.codec import KEY_BYTES, Submission
from loop.reply import Reply
from projections.refused_names import NAME_BYTES, has_named_key
from projections.submissions import KeptSubmission, SubmissionWindow
from projections.used_signatures import mark_in
from sequencer.port import (
    AlreadySubmitted,
    DeadlinePassed,
    Forgotten,
    KeyReused,
    Refused,
    SignatureTooOld,
    SignatureUsed,
    Submit,
)

OnRefused = Callable[[Exception], object]

_encode: Final = msgspec.msgpack.Encoder().encode


class Entry(Reply[list[CommandResult]]):
    """Commands of one caller, who waits for all of them."""

    __slots__ = ("commands",)

    def __init__(self, commands: Sequence[Command]) -> None:
        super().__init__()
        self.commands = commands


class KeyedEntry(Entry):
    """Commands that came under a key. Who sent them waits elsewhere, or by a reply of his own."""

    __slots__ = ("_on_refused", "_reply", "behind", "submission")

    def __init__(self, submission: Submit, on_refused: OnRefused, reply: Reply[list[CommandResult]] | None) -> None:
        super().__init__(submission.commands)
        self.submission = submission
        self.behind: list[OnRefused] = []  # of others who sent the same meanwhile
        self._on_refused = on_refused
        self._reply = reply

    def settle(self, result: list[CommandResult]) -> None:
        """Give the result to who waits."""
        super().settle(result)
        if self._reply is not None:
            self._reply.settle(result)

    def fail(self, error: BaseException) -> None:
        """Say why it was not taken."""
        super().fail(error)
        if isinstance(error, Exception):
            for on_refused in (self._on_refused, *self.behind):
                on_refused(error)

    def resume(self) -> None:
        """Switch to who waits. Called by the hub alone."""
        if self._reply is not None:
            self._reply.resume()


def fingerprint_of(commands: Sequence[Command]) -> bytes:
    """16 bytes that stand for what was asked. O(bytes). Raises as `journal.codec.seal`."""
    return hashlib.blake2b(_encode(commands), digest_size=KEY_BYTES).digest()


def problem_of(known: KeptSubmission, fingerprint: bytes) -> Exception:
    """Why what comes under a key that is known is not taken."""
    if known.fingerprint and fingerprint and known.fingerprint != fingerprint:
        return KeyReused("its key stands for something else")
    return AlreadySubmitted(known)


class KeyedEntries:
    """The keys that wait or are being journaled, and those that the records have."""

    def __init__(self, window: SubmissionWindow) -> None:
        self.window = window
        self.queued: dict[bytes, KeyedEntry] = {}  # read by the writer for each batch
        self._queued_marks: set[bytes] = set()  # of the signed requests that they are of
        self._queued_names: dict[bytes, bytes] = {}  # the beginnings of their keys -> the greatest of these

    def admits(self, submission: Submit, on_refused: OnRefused) -> bool:
        """Whether a submission may wait; where not, `on_refused` is called, at once or when its key is settled."""
        key, fingerprint = submission.key, submission.fingerprint
        if not submission.commands or len(key) != KEY_BYTES or len(fingerprint) not in (0, KEY_BYTES):
            on_refused(ValueError("a submission has commands, a key of 16 bytes, and a fingerprint of 16 or none"))
            return False
        known, queued = self.window.find(key), self.queued.get(key)
        if known is not None:
            on_refused(problem_of(known, fingerprint))
        elif queued is not None:
            first = queued.submission.fingerprint
            if first and fingerprint and first != fingerprint:
                on_refused(KeyReused("its key stands for something else"))
            else:
                queued.behind.append(on_refused)
        elif self._is_overtaken(submission):
            on_refused(Refused("a later request under its client order id came before it"))
        elif submission.after_seq < self.window.forgotten_seq:
            on_refused(Forgotten(f"keys of commands up to seq {self.window.forgotten_seq} may be forgotten"))
        elif submission.sender and (unsigned := self._signature_problem(mark_in(submission.sender))) is not None:
            on_refused(unsigned)
        else:
            return True
        return False

    def add(self, entry: KeyedEntry) -> None:
        """Note one that waits from now on."""
        key = entry.submission.key
        self.queued[key] = entry
        if mark := mark_in(entry.submission.sender):
            self._queued_marks.add(mark)
        self._queued_names[key[:NAME_BYTES]] = max(key, self._queued_names.get(key[:NAME_BYTES], b""))

    def _is_overtaken(self, submission: Submit) -> bool:
        """Whether a later request for the same order, by its client order id, waits or was refused."""
        key = submission.key
        if self._queued_names.get(key[:NAME_BYTES], b"") > key and has_named_key(key, submission.commands):
            return True
        return self.window.refused_names.overtook(key, submission.commands)

    def _signature_problem(self, mark: bytes) -> Exception | None:
        """Why what a signed request asks for is not taken; None for one that is new, and where none is signed."""
        if not mark:
            return None
        if mark in self._queued_marks or self.window.signatures.knows(mark):
            return SignatureUsed("the signed request came before")
        if self.window.signatures.may_have_forgotten(mark):
            return SignatureTooOld("whether the signed request came before is not known here")
        return None

    def _remove(self, key: bytes) -> KeyedEntry | None:
        if self._queued_names.get(key[:NAME_BYTES]) == key:
            del self._queued_names[key[:NAME_BYTES]]
        entry = self.queued.pop(key, None)
        if entry is not None and entry.submission.sender:
            self._queued_marks.discard(mark_in(entry.submission.sender))
        return entry

    def late(self, entries: Sequence[Entry], ts_ns: int) -> list[KeyedEntry]:
        """Those that a record of this time may not have any more: they are refused, and wait no longer."""
        late = [e for e in entries if isinstance(e, KeyedEntry) and e.submission.deadline_ns < ts_ns]
        for entry in late:
            self.fail(entry, DeadlinePassed("its deadline has passed"))
        return late

    def fail(self, entry: Entry, error: Exception) -> None:
        """Answer an entry, of whatever kind, that is not taken."""
        if isinstance(entry, KeyedEntry):
            self._remove(entry.submission.key)
        entry.fail(error)

    def keep(self, entry: KeyedEntry, results: list[CommandResult]) -> None:
        """Keep what became of an entry, where somebody else may use its key again."""
        key, window = entry.submission.key, self.window
        if entry.submission.fingerprint:
            window.outcomes.note(key, results)
        elif len(results) == 1:
            window.refused_names.note(key, results)

    @staticmethod
    def within(entries: Sequence[Entry]) -> list[Submission]:
        """The submissions of a record that has these entries, in order."""
        found, place = [], 0
        for entry in entries:
            count = len(entry.commands)
            if isinstance(entry, KeyedEntry):
                one = entry.submission
                found.append(Submission(one.key, place, count, one.fingerprint, one.sender))
            place += count
        return found

    def remember(self, submissions: Sequence[Submission], first_seq: Seq, ts_ns: int) -> None:
        """Note the submissions of a record that was applied: who sent one of them again is answered now."""
        self.window.add(submissions, first_seq, ts_ns)
        for each in submissions:
            entry = self._remove(each.key)
            for on_refused in () if entry is None else entry.behind:
                on_refused(AlreadySubmitted(KeptSubmission(first_seq + each.place, each.count, each.fingerprint)))
