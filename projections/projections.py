"""All projections together: folded from the same records, and written into every snapshot as its sections.

A section is JSON, since that has integers of any size. Its name has the number of its shape. That of
submissions, which may be many, is msgpack.
Layer: projections.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId
from journal.codec import BatchRecord
from projections.activity import Activity, ActivityState
from projections.fold import Fold
from projections.outcomes import SavedOutcome
from projections.profits import PositionState, Profits
from projections.statuses import CommandedStatuses
from projections.submissions import SubmissionsState, SubmissionWindow

# raise the number of one with every change of its shape: a snapshot without it is of another version
ACTIVITY: Final = "activity-1"
PROFITS: Final = "profits-1"
STATUSES: Final = "statuses-1"
RESETS: Final = "resets-1"  # accounts that a reset has stopped; what was written before there were resets has none

SUBMISSIONS: Final = "submissions-1"  # what was written before there were front doors has none
OUTCOMES: Final = "outcomes-1"  # of the submissions whose keys clients may use again; older ones have none

_encode: Final = msgspec.json.Encoder().encode
_decode_activity: Final = msgspec.json.Decoder(ActivityState).decode
_decode_profits: Final = msgspec.json.Decoder(list[PositionState]).decode
_decode_statuses: Final = msgspec.json.Decoder(dict[str, int]).decode
_decode_resets: Final = msgspec.json.Decoder(list[AccountId]).decode
_decode_outcomes: Final = msgspec.json.Decoder(list[SavedOutcome]).decode
_encode_submissions: Final = msgspec.msgpack.Encoder().encode
_decode_submissions: Final = msgspec.msgpack.Decoder(SubmissionsState).decode


class SectionsUnknown(Exception):
    """A snapshot has not the sections that this version reads: another version wrote it. Names one."""


class Projections:
    """What an exchange's events come to. `fold` must get every batch, right behind its commands."""

    def __init__(self, exchange: Exchange) -> None:
        self.activity = Activity(exchange)
        self.profits = Profits()
        self.statuses = CommandedStatuses()
        self.submissions = SubmissionWindow()
        self._fold = Fold(exchange, self.activity, self.profits, follows_levels=lambda: False)

    def fold(self, batch: list[CommandResult]) -> None:
        """Fold a batch that was applied last. O(events)."""
        self._fold.fold(batch)
        self.statuses.on_applied(batch)

    def on_record(self, record: BatchRecord, applied: list[CommandResult]) -> None:
        """Fold a record that was applied last, and note its submissions. O(events)."""
        self.fold(applied)
        self.submissions.note(record, applied)

    def saved(self) -> dict[str, bytes]:
        """Everything, as the sections of a snapshot. O(what is kept)."""
        return {
            ACTIVITY: _encode(self.activity.saved()),
            PROFITS: _encode(self.profits.saved()),
            STATUSES: _encode(dict(sorted(self.statuses.at_ns.items()))),
            RESETS: _encode(sorted(self.profits.stopped_by_reset)),
            SUBMISSIONS: _encode_submissions(self.submissions.saved()),
            OUTCOMES: _encode(self.submissions.outcomes.saved(self.submissions.find)),
        }

    @classmethod
    def restored(cls, exchange: Exchange, sections: Mapping[str, bytes]) -> Projections:
        """What was written. O(bytes). Raises SectionsUnknown."""
        projections = cls(exchange)
        try:
            projections.activity.restore(_decode_activity(sections[ACTIVITY]))
            projections.profits.restore(_decode_profits(sections[PROFITS]))
            projections.statuses.at_ns.update(_decode_statuses(sections[STATUSES]))
            projections.profits.stopped_by_reset.update(_decode_resets(sections.get(RESETS, b"[]")))
            if SUBMISSIONS in sections:
                projections.submissions.restore(_decode_submissions(sections[SUBMISSIONS]))
            projections.submissions.outcomes.restore(_decode_outcomes(sections.get(OUTCOMES, b"[]")))
        except KeyError as missing:
            raise SectionsUnknown(f"it has no section {missing}") from None
        except (msgspec.DecodeError, ValueError) as problem:
            raise SectionsUnknown(f"a section is of another shape: {problem}") from None
        return projections
