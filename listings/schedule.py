"""When a symbol's sessions begin and end: arithmetic of calendars and clocks, nothing that runs.

Times are of the day in a time zone, moments are epoch nanoseconds. A time that the clock skips in
spring is the moment of the change; one that comes twice in autumn is the first.
Layer: listings. No I/O but the time zone database, and no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal, NamedTuple

from engine.types import TradingStatus

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class Change(NamedTuple):
    """A status that a schedule asks for, from a moment on."""

    at_ns: int
    status: TradingStatus


class Schedule(NamedTuple):
    """The sessions of one or several symbols. A session belongs to the day on which it begins."""

    time_zone: tzinfo
    days: frozenset[int]  # 0 is Monday; at least one
    times: tuple[tuple[TradingStatus, time], ...]  # of one session, in order; the last is CLOSED
    holidays: frozenset[date] = frozenset()

    def last_change(self, at_ns: int, status: TradingStatus | None = None) -> Change | None:
        """The latest change, of those to `status` when given, at or before `at_ns`. O(days since then)."""
        day = self._day_of(at_ns) + _DAY
        for _ in range(self._horizon_days):
            for change in reversed(self._changes_of(day)):
                if change.at_ns <= at_ns and status in (None, change.status):
                    return change
            day -= _DAY
        return None

    def next_change(self, after_ns: int) -> Change | None:
        """The first change after `after_ns`. O(days until then)."""
        day = self._day_of(after_ns) - 2 * _DAY
        for _ in range(self._horizon_days):
            for change in self._changes_of(day):
                if change.at_ns > after_ns:
                    return change
            day += _DAY
        return None

    def changes(self, day: date) -> list[Change]:
        """The changes of the session that begins on `day`, in order; none on a day without one."""
        return self._changes_of(day)

    @property
    def _horizon_days(self) -> int:
        """Within as many days there is a session: one weekday of seven, and as many weeks as there are holidays."""
        return 7 * (len(self.holidays) + 2)

    def _day_of(self, at_ns: int) -> date:
        return (_EPOCH + timedelta(microseconds=at_ns // 1000)).astimezone(self.time_zone).date()

    def _changes_of(self, day: date) -> list[Change]:
        if day.weekday() not in self.days or day in self.holidays:
            return []
        return list(self._session(day))

    def _session(self, day: date) -> Iterator[Change]:
        before = time.min
        for status, at in self.times:
            if at < before:  # past midnight
                day += _DAY
            before = at
            yield Change(moment(datetime.combine(day, at), self.time_zone), status)


def moment(local: datetime, zone: tzinfo) -> int:
    """Epoch nanoseconds of a local time without a zone of its own. Never earlier for a later local time."""
    at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != local:  # skipped: find the moment of the change
        before, after = local.replace(tzinfo=zone, fold=1).astimezone(UTC), at
        offset = before.astimezone(zone).utcoffset()
        while after - before > _SECOND:
            middle = (before + (after - before) / 2).replace(microsecond=0)
            if middle.astimezone(zone).utcoffset() == offset:
                before = middle
            else:
                after = middle
        at = after
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000
