"""A schedule as people write it, in the instruments file or as operators -> `Schedule`, and back.

Layer: listings.
"""

from __future__ import annotations

import re
from datetime import date, time
from itertools import pairwise
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from engine.types import TradingStatus
from listings.schedule import DAYS, Day, Schedule

# each key of a session, in order, and the status that begins then
TIMES: Final = (
    ("pre_open", TradingStatus.PRE_OPEN),
    ("auction", TradingStatus.AUCTION),
    ("trading", TradingStatus.TRADING),
    ("closing_auction", TradingStatus.AUCTION),
    ("closed", TradingStatus.CLOSED),
)

HOLIDAYS_MAX: Final = 1_000  # the next session is looked for day by day

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")


class ScheduleError(Exception):
    """The schedule cannot be used; the message says why."""


class ScheduleTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[schedule.NAME]`, or the `[instrument.schedule]` of one symbol. Times are of the day, HH:MM or HH:MM:SS."""

    time_zone: str  # as the time zone database names it: America/New_York, UTC
    days: list[Day]  # on which sessions begin
    trading: str
    closed: str
    pre_open: str | None = None
    auction: str | None = None
    closing_auction: str | None = None
    holidays: Annotated[list[date], Meta(max_length=HOLIDAYS_MAX)] = []  # days on which no session begins


def schedule_of(table: ScheduleTable) -> Schedule:
    """The schedule that a table describes. Raises ScheduleError."""
    if not table.days:
        raise ScheduleError("days names no day")
    times = [(key, status, _time(key, text)) for key, status in TIMES if (text := getattr(table, key)) is not None]
    passes_midnight = 0
    for (before, _, earlier), (key, _, at) in pairwise(times):
        if at == earlier:
            raise ScheduleError(f"{key} is at the same time as {before}")
        passes_midnight += at < earlier
    if passes_midnight > 1 or (passes_midnight and times[-1][2] > times[0][2]):
        order = ", ".join(key for key, _ in TIMES)
        raise ScheduleError(f"the times of one session are in the order {order}, and within 24 hours")
    return Schedule(
        _time_zone(table.time_zone),
        frozenset(DAYS.index(day) for day in table.days),
        tuple((status, at) for _, status, at in times),
        frozenset(table.holidays),
    )


def table_of(schedule: Schedule) -> ScheduleTable:
    """A schedule as it could have been written: with other seconds or order of days, and the same changes."""
    keys = {status: key for key, status in TIMES if key != "closing_auction"}
    times: dict[str, str] = {}
    for status, at in schedule.times:
        key = "closing_auction" if status is TradingStatus.AUCTION and "trading" in times else keys[status]
        times[key] = at.isoformat("seconds" if at.second else "minutes")
    return ScheduleTable(
        time_zone=str(schedule.time_zone),
        days=[DAYS[day] for day in sorted(schedule.days)],
        holidays=sorted(schedule.holidays),
        **times,
    )


def _time(key: str, text: str) -> time:
    if not _TIME.fullmatch(text):
        raise ScheduleError(f"{key} {text!r} is no time of the day; write HH:MM or HH:MM:SS")
    return time.fromisoformat(text)


def _time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:  # unknown, no such name, a directory
        raise ScheduleError(
            f"the time zone {name!r} is unknown; write it as America/New_York, Europe/Berlin or UTC"
        ) from problem
