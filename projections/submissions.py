"""Which submissions the records have: the keys of the last minutes, so that none is taken twice.

A submission is what a front door sends under one key: some commands, one behind the other. The record that has them
says so (`journal.codec.Submission`). Keys that somebody may use again, those that have a fingerprint, are remembered
apart: those of orders, of which there are many more, do not crowd them out. Keys are forgotten in whole generations,
and up to which command is known: who made a submission when it had applied more than that can be sure that a key which
is not here was never taken.
Layer: projections.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from engine.events import CommandResult
from journal.codec import KEY_BYTES, BatchRecord, Submission, submissions_of
from projections.outcomes import Outcomes
from projections.refused_names import RefusedNames
from projections.used_signatures import UsedSignatures

REMEMBERED_NS: Final = 120 * 1_000_000_000  # of record time, at least, unless there are more than
KEYS_MAX: Final = 200_000  # of either kind; some 40 MB
GENERATIONS: Final = 4  # which share the number; the time is that of all but the newest

_PLACE: Final = struct.Struct(">QI16s")  # first seq, commands, fingerprint; half the memory of a tuple
_NO_FINGERPRINT: Final = bytes(KEY_BYTES)


class KeptSubmission(NamedTuple):
    """Where a submission's commands are."""

    first_seq: int
    commands: int  # how many, which follow one by one
    fingerprint: bytes  # of what was asked, 16 bytes; b"": nobody said


class SavedGeneration(msgspec.Struct, array_like=True):
    """Keys that are forgotten together."""

    since_ns: int  # the time of the first record
    until_seq: int  # the last command of the last record
    rows: bytes  # each key and its place, 44 bytes


class SubmissionsState(msgspec.Struct, array_like=True):
    """A window, to be written."""

    forgotten_seq: int
    generations: list[SavedGeneration]  # oldest first
    used_again_forgotten_seq: int = 0
    used_again: list[SavedGeneration] = []  # those with a fingerprint; oldest first


class _Generation:
    __slots__ = ("places", "since_ns", "until_seq")

    def __init__(self, since_ns: int) -> None:
        self.since_ns = since_ns
        self.until_seq = 0
        self.places: dict[bytes, bytes] = {}


class _Generations:
    """The keys of one kind."""

    def __init__(self, keys_max: int, remembered_ns: int) -> None:
        self._keys = max(1, keys_max // GENERATIONS)  # of each
        self._lasts_ns = remembered_ns // (GENERATIONS - 1)
        self._kept: deque[_Generation] = deque()  # oldest first
        self.forgotten_seq = 0

    def __len__(self) -> int:
        return sum(len(generation.places) for generation in self._kept)

    def find(self, key: bytes) -> bytes | None:
        for generation in reversed(self._kept):
            place = generation.places.get(key)
            if place is not None:
                return place
        return None

    def add(self, submissions: Sequence[Submission], first_seq: int, ts_ns: int) -> None:
        generation = self._newest(ts_ns)
        for each in submissions:
            generation.places[each.key] = _PLACE.pack(first_seq + each.place, each.count, each.fingerprint)
        generation.until_seq = first_seq + submissions[-1].place + submissions[-1].count - 1

    def saved(self) -> list[SavedGeneration]:
        return [
            SavedGeneration(
                each.since_ns, each.until_seq, b"".join([key + place for key, place in each.places.items()])
            )
            for each in self._kept
        ]

    def restore(self, saved: Sequence[SavedGeneration], forgotten_seq: int) -> None:
        """Raises ValueError."""
        self.forgotten_seq = forgotten_seq
        row = KEY_BYTES + _PLACE.size
        for each in saved:
            if len(each.rows) % row:
                raise ValueError(f"the rows of submissions are {len(each.rows)} bytes long")
            generation = _Generation(each.since_ns)
            generation.until_seq = each.until_seq
            for at in range(0, len(each.rows), row):
                generation.places[each.rows[at : at + KEY_BYTES]] = each.rows[at + KEY_BYTES : at + row]
            self._kept.append(generation)

    def _newest(self, ts_ns: int) -> _Generation:
        """The generation that keys of this time belong to; the oldest is forgotten where that is one more."""
        if self._kept:
            newest = self._kept[-1]
            if len(newest.places) < self._keys and ts_ns - newest.since_ns < self._lasts_ns:
                return newest
        newest = _Generation(ts_ns)
        self._kept.append(newest)
        if len(self._kept) > GENERATIONS:
            self.forgotten_seq = self._kept.popleft().until_seq
        return newest


class SubmissionWindow:
    """The keys that are remembered. `note` must get every record, right behind its commands."""

    def __init__(self, keys_max: int = KEYS_MAX, remembered_ns: int = REMEMBERED_NS) -> None:
        """`keys_max`: how many of either kind are remembered at most, up to those of one record more.

        `remembered_ns`: for how long at least, while no quarter of `keys_max` comes in less than a third of it.
        """
        self._used_once = _Generations(keys_max, remembered_ns)
        self._used_again = _Generations(keys_max, remembered_ns)
        self.outcomes = Outcomes()  # of those that have a fingerprint; saved apart
        self.refused_names = RefusedNames()  # not saved
        self.signatures = UsedSignatures()  # nor these

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._used_once) + len(self._used_again)

    @property
    def forgotten_seq(self) -> int:
        """Keys of commands up to this one may have been forgotten; 0: none was."""
        return max(self._used_once.forgotten_seq, self._used_again.forgotten_seq)

    def find(self, key: bytes) -> KeptSubmission | None:
        """Where the commands of a key are; None: it is not known (any more). O(1)."""
        place = self._used_once.find(key) or self._used_again.find(key)
        if place is None:
            return None
        first_seq, commands, fingerprint = _PLACE.unpack(place)
        return KeptSubmission(first_seq, commands, b"" if fingerprint == _NO_FINGERPRINT else fingerprint)

    def note(self, record: BatchRecord, applied: Sequence[CommandResult] = ()) -> None:
        """Remember the submissions of a record that was applied, and what its commands caused, where that is given.

        O(bytes); O(1) for one that has none.
        """
        submissions = submissions_of(record)
        if submissions:
            self.add(submissions, record.first_seq, record.ts_ns)
            self.keep(submissions, applied)

    def keep(self, submissions: Sequence[Submission], applied: Sequence[CommandResult]) -> None:
        """Keep what became of a record's submissions whose keys somebody may use again; `applied`: all its commands."""
        for each in submissions:
            if len(applied) < each.place + each.count:
                return
            if each.fingerprint:
                self.outcomes.note(each.key, list(applied[each.place : each.place + each.count]))
            elif each.count == 1:
                self.refused_names.note(each.key, applied[each.place : each.place + 1])

    def add(self, submissions: Sequence[Submission], first_seq: int, ts_ns: int) -> None:
        """The same for submissions of a record that is at hand already: of its first seq and time. O(submissions)."""
        self.signatures.note(submissions)
        used_again = [each for each in submissions if each.fingerprint]
        if used_again:
            self._used_again.add(used_again, first_seq, ts_ns)
        if len(used_again) < len(submissions):
            self._used_once.add([each for each in submissions if not each.fingerprint], first_seq, ts_ns)

    def saved(self) -> SubmissionsState:
        """Everything, to be written. O(keys)."""
        once, again = self._used_once, self._used_again
        return SubmissionsState(once.forgotten_seq, once.saved(), again.forgotten_seq, again.saved())

    def restore(self, saved: SubmissionsState) -> None:
        """Be as it was. For one that is new. O(keys). Raises ValueError where it is none."""
        self._used_once.restore(saved.generations, saved.forgotten_seq)
        self._used_again.restore(saved.used_again, saved.used_again_forgotten_seq)
