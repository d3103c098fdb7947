"""Which submissions the records have: the keys of the last minutes, so that none is taken twice.

A submission is what a front door sends under one key: some commands, one behind the other. The record that has them
says so (`journal.codec.Submission`). Keys are forgotten in whole generations, and up to which command is known: who
made a submission when it had applied more than that can be sure that a key which is not here was never taken.
Layer: projections.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from journal.codec import BatchRecord, Submission

REMEMBERED_NS: Final = 120 * 1_000_000_000  # of record time, at least, unless there are more than
KEYS_MAX: Final = 200_000
GENERATIONS: Final = 4  # which the time and the number are shared by


class KeptSubmission(NamedTuple):
    """Where a submission's commands are."""

    first_seq: int
    commands: int  # how many, which follow one by one
    fingerprint: bytes  # of what was asked, 16 bytes


class SubmissionsState(msgspec.Struct, array_like=True):
    """A window, to be written."""

    forgotten_seq: int
    generations: list[tuple[int, dict[str, tuple[int, int, str]]]]  # since when; by key in hexadecimal


class SubmissionWindow:
    """The keys that are remembered. `note` must get every record, right behind its commands."""

    def __init__(self, keys_max: int = KEYS_MAX, remembered_ns: int = REMEMBERED_NS) -> None:
        """`keys_max`: about how many are remembered at most; `remembered_ns`: for how long at least, below that."""
        raise NotImplementedError

    def __len__(self) -> int:
        """How many keys are remembered."""
        raise NotImplementedError

    @property
    def forgotten_seq(self) -> int:
        """Keys of commands up to this one may have been forgotten; 0: none was."""
        raise NotImplementedError

    def find(self, key: bytes) -> KeptSubmission | None:
        """Where the commands of a key are; None: it is not known (any more). O(1)."""
        raise NotImplementedError

    def note(self, record: BatchRecord) -> None:
        """Remember the submissions of a record that was applied. O(its submissions); O(1) for one that has none."""
        raise NotImplementedError

    def add(self, submissions: Sequence[Submission], first_seq: int, ts_ns: int) -> None:
        """The same for submissions of a record that is at hand already. O(submissions)."""
        raise NotImplementedError

    def saved(self) -> SubmissionsState:
        """Everything, to be written. O(keys)."""
        raise NotImplementedError

    def restore(self, saved: SubmissionsState) -> None:
        """Be as it was. For one that is new. O(keys)."""
        raise NotImplementedError
