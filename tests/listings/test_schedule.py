"""Schedules: what people write, and which change is the last and the next at any moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.types import TradingStatus
from listings.instruments_file import DEFAULT_INSTRUMENTS, ListingError, read_venue_file
from listings.schedule import Change, Schedule, moment

NEW_YORK, LORD_HOWE, APIA = ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Pacific/Apia")
ZONES = (NEW_YORK, LORD_HOWE, APIA, ZoneInfo("UTC"), ZoneInfo("Europe/London"), ZoneInfo("Asia/Kathmandu"))
PRE_OPEN, AUCTION, TRADING = TradingStatus.PRE_OPEN, TradingStatus.AUCTION, TradingStatus.TRADING
CLOSED = TradingStatus.CLOSED
WEEKDAYS = frozenset(range(5))
EQUITY = Schedule(
    NEW_YORK,
    WEEKDAYS,
    ((PRE_OPEN, time(4)), (AUCTION, time(9, 25)), (TRADING, time(9, 30)), (AUCTION, time(15, 50)), (CLOSED, time(16))),
    frozenset({date(2026, 12, 25), date(2027, 1, 1)}),
)
EXAMPLE = Path(DEFAULT_INSTRUMENTS).with_name("sessions.toml")
DAY_NS = 86_400 * 10**9


def ns(text: str) -> int:
    """Epoch nanoseconds of an ISO time with its zone."""
    return int(datetime.fromisoformat(text).timestamp()) * 10**9


def at(change: Change | None) -> tuple[str, str] | None:
    """A change for people: its time in UTC, and the status."""
    if change is None:
        return None
    return datetime.fromtimestamp(change.at_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M"), change.status.value


@pytest.mark.parametrize(
    ("now", "last", "following"),
    [
        ("2026-11-20T12:00-05:00", ("2026-11-20 14:30", "trading"), ("2026-11-20 20:50", "auction")),
        ("2026-11-20T09:30-05:00", ("2026-11-20 14:30", "trading"), ("2026-11-20 20:50", "auction")),
        ("2026-11-20T16:00-05:00", ("2026-11-20 21:00", "closed"), ("2026-11-23 09:00", "pre_open")),  # a weekend
        ("2026-03-06T16:30-05:00", ("2026-03-06 21:00", "closed"), ("2026-03-09 08:00", "pre_open")),  # spring
        ("2026-10-30T16:30-04:00", ("2026-10-30 20:00", "closed"), ("2026-11-02 09:00", "pre_open")),  # autumn
        ("2026-12-25T12:00-05:00", ("2026-12-24 21:00", "closed"), ("2026-12-28 09:00", "pre_open")),  # a holiday
        ("2027-01-01T00:00-05:00", ("2026-12-31 21:00", "closed"), ("2027-01-04 09:00", "pre_open")),  # the year ends
    ],
)
def test_weekends_holidays_and_the_change_of_the_clock_are_kept(
    now: str, last: tuple[str, str], following: tuple[str, str]
) -> None:
    assert (at(EQUITY.last_change(ns(now))), at(EQUITY.next_change(ns(now)))) == (last, following)


def test_the_last_change_to_one_status_is_found_behind_later_ones() -> None:
    assert at(EQUITY.last_change(ns("2026-11-23T12:00-05:00"), CLOSED)) == ("2026-11-20 21:00", "closed")


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        (NEW_YORK, "2026-03-08T01:59", "2026-03-08T06:59"),
        (NEW_YORK, "2026-03-08T02:00", "2026-03-08T07:00"),  # skipped: the moment of the change
        (NEW_YORK, "2026-03-08T02:30", "2026-03-08T07:00"),
        (NEW_YORK, "2026-03-08T03:00", "2026-03-08T07:00"),
        (NEW_YORK, "2026-11-01T01:30", "2026-11-01T05:30"),  # twice: the first
        (NEW_YORK, "2026-11-01T02:00", "2026-11-01T07:00"),
        (LORD_HOWE, "2026-10-04T02:15", "2026-10-03T15:30"),  # a change of half an hour
        (APIA, "2011-12-30T12:00", "2011-12-30T10:00"),  # a day that was left out
    ],
)
def test_a_time_that_is_skipped_or_comes_twice_has_its_moment(zone: ZoneInfo, local: str, utc: str) -> None:
    assert moment(datetime.fromisoformat(local), zone) == ns(f"{utc}+00:00")


LOCAL = st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1)).map(lambda local: local.replace(microsecond=0))
NEAR_CHANGES = st.builds(
    lambda day, seconds: day + timedelta(seconds=seconds),
    st.sampled_from([datetime(2026, 3, 8), datetime(2026, 11, 1), datetime(2026, 10, 4), datetime(2011, 12, 29, 12)]),
    st.integers(0, 2 * 86_400),
)


@given(st.sampled_from(ZONES), LOCAL | NEAR_CHANGES, st.integers(0, 7_200))
def test_a_later_local_time_is_never_an_earlier_moment(zone: ZoneInfo, local: datetime, later_s: int) -> None:
    first, second = moment(local, zone), moment(local + timedelta(seconds=later_s), zone)
    assert first <= second
    back = datetime.fromtimestamp(first // 10**9, zone).replace(tzinfo=None)
    assert back >= local  # the same, or the end of what the clock skipped


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Any schedule: two to five times, past midnight or not, in any zone, with holidays around a year's end."""
    start = draw(st.integers(0, 86_399))
    gaps = draw(st.lists(st.integers(1, 17_000), min_size=1, max_size=4))
    statuses = {1: (), 2: (AUCTION,), 3: (PRE_OPEN, AUCTION), 4: (PRE_OPEN, AUCTION)}[len(gaps)]
    closing = (AUCTION,) if len(gaps) == 4 else ()
    seconds = [start]
    for gap in gaps:
        seconds.append(seconds[-1] + gap)
    names = (*statuses, TRADING, *closing, CLOSED)
    midnight = datetime(2000, 1, 1)
    times = tuple(
        (name, (midnight + timedelta(seconds=second % 86_400)).time())
        for name, second in zip(names, seconds, strict=True)
    )
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    holidays = draw(st.frozensets(st.dates(date(2025, 12, 20), date(2026, 1, 10)), max_size=12))
    return Schedule(draw(st.sampled_from(ZONES)), days, times, holidays)


@settings(max_examples=60, deadline=None)
@given(
    schedules(),
    st.integers(ns("2025-12-18T00:00+00:00"), ns("2026-01-14T00:00+00:00"))
    | st.integers(ns("2026-03-05T00:00+00:00"), ns("2026-04-08T00:00+00:00"))
    | st.integers(ns("2026-10-01T00:00+00:00"), ns("2026-11-04T00:00+00:00")),
)
def test_last_and_next_are_those_of_a_list_of_all_changes(schedule: Schedule, now: int) -> None:
    first = datetime.fromtimestamp(now // 10**9, UTC).date() - timedelta(days=45)
    every = [change for day in range(90) for change in schedule.changes(first + timedelta(days=day))]
    assert [change.at_ns for change in every] == sorted(change.at_ns for change in every)
    past, future = ([c for c in every if c.at_ns <= now], [c for c in every if c.at_ns > now])
    assert schedule.last_change(now) == past[-1]
    assert schedule.next_change(now) == future[0]
    assert schedule.last_change(now, CLOSED) == [change for change in past if change.status is CLOSED][-1]
    following = schedule.next_change(now)
    assert following is not None
    assert schedule.last_change(following.at_ns) in [change for change in every if change.at_ns == following.at_ns]


def test_the_example_file_has_a_share_with_sessions_and_a_coin_without() -> None:
    listed = read_venue_file(EXAMPLE)
    assert {instrument.symbol: instrument.scheduled for instrument in listed.instruments} == {
        "AAPL-USD": True,
        "BTC-USDT": False,
    }
    share = listed.instruments[0]
    assert (share.band, share.band_window_ns, share.limit_state_ns) == (50_000, 300 * 10**9, 15 * 10**9)
    assert (share.halt_ns, share.auction_ns) == (300 * 10**9, 60 * 10**9)
    schedule = listed.schedules["AAPL-USD"]
    assert at(schedule.next_change(ns("2026-11-25T20:00-05:00"))) == ("2026-11-27 09:00", "pre_open")  # Thanksgiving


SHARE = """
[[instrument]]
symbol = "X"
base = "X"
quote = "USD"
tick_size = "0.01"
lot_size = "1"
quote_scale = 2
max_quantity = "1"
max_notional = "1"
"""
HOURS = 'time_zone = "UTC"\ndays = ["mon"]\ntrading = "09:00"\nclosed = "17:00"\n'


def read(tmp_path: Path, text: str) -> dict[str, Schedule]:
    """The schedules of a file."""
    path = tmp_path / "venue.toml"
    path.write_text(text)
    return read_venue_file(path).schedules


def test_a_schedule_of_its_own_or_a_shared_one_and_times_as_toml_has_them(tmp_path: Path) -> None:
    own = read(tmp_path, f"{SHARE}[instrument.schedule]\n{HOURS}")
    shared = read(tmp_path, f'{SHARE}schedule = "week"\n[schedule.week]\n{HOURS}')
    native = HOURS.replace('"09:00"', "09:00:00").replace('"17:00"', "17:00:00") + "holidays = [2026-01-05]\n"
    assert own == shared
    assert read(tmp_path, f"{SHARE}[instrument.schedule]\n{native}")["X"].holidays == {date(2026, 1, 5)}
    overnight = HOURS.replace("09:00", "18:00")
    assert len(read(tmp_path, f"{SHARE}[instrument.schedule]\n{overnight}")["X"].times) == 2
    assert read(tmp_path, SHARE) == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f'{SHARE}schedule = "week"\n', r"X: there is no \[schedule.week\]"),
        (f"{SHARE}[schedule.w]\n{HOURS.replace('UTC', 'Mars/Olympus')}", "schedule.w: the time zone 'Mars/Olympus'"),
        (f"{SHARE}[schedule.w]\n{HOURS.replace('UTC', '../etc')}", "the time zone '../etc' is unknown"),
        (f"{SHARE}[instrument.schedule]\n{HOURS.replace('09:00', '25:00')}", "X: schedule: trading '25:00' is no time"),
        (f"{SHARE}[schedule.w]\n{HOURS.replace('09:00', '09:00Z')}", "is no time of the day"),
        (f"{SHARE}[schedule.w]\n{HOURS.replace('17:00', '09:00')}", "closed is at the same time as trading"),
        (f'{SHARE}[schedule.w]\n{HOURS}auction = "16:00"\n', "within 24 hours"),
        (f'{SHARE}[schedule.w]\n{HOURS}auction = "10:00"\npre_open = "11:00"', "within 24 hours"),
        (f"{SHARE}[schedule.w]\n{HOURS.replace('[' + chr(34) + 'mon' + chr(34) + ']', '[]')}", "names no day"),
        (f"{SHARE}[schedule.w]\n{HOURS.replace('mon', 'monday')}", "venue.toml"),
        (f"{SHARE}[schedule.w]\n{HOURS}lunch = 1\n", "lunch"),
        (f"{SHARE}band_percent = 0\n", "X: band_percent 0 is out of range"),
        (f"{SHARE}band_percent = 101\n", "X: band_percent 101 is out of range"),
        (f"{SHARE}halt_seconds = 0.5\n", "X: halt_seconds 0.5 is out of range"),
        (f"{SHARE}auction_seconds = 604801\n", "X: auction_seconds 604801 is out of range"),
        (f"{SHARE}limit_state_seconds = 1.0001\n", "X: limit_state_seconds 1.0001 is no multiple of 0.001"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ListingError, match=sentence):
        read(tmp_path, text)
