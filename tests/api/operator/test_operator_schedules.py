"""Schedules by operators' commands: given, shown, taken away, kept over restarts, and refused when they cannot be."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.exchange import Exchange
from listings.instruments_file import ListingError, VenueFile
from listings.schedule import DAYS
from listings.schedule_file import ScheduleTable, schedule_of, table_of
from listings.schedule_store import ScheduleFile, ScheduleStore, StoredSchedule
from tests.access.cast import Person, operator, with_operator
from tests.programs import tool
from tests.server import ROOT, RunningServer

PATH = "/admin/symbols/{}/schedule"
GOLD = {
    "symbol": "GOLD-USDT",
    "base": "GOLD",
    "quote": "USDT",
    "tick_size": "0.01",
    "lot_size": "1",
    "quote_scale": 10,
    "max_quantity": "1000",
    "max_notional": "1000000",
}


def hours(opens: timedelta, closes: timedelta, **further: Any) -> dict[str, Any]:
    """A schedule of every day that opens and closes so long from now."""
    now = datetime.now(UTC)
    times = {"trading": f"{now + opens:%H:%M:%S}", "closed": f"{now + closes:%H:%M:%S}"}
    return {"time_zone": "UTC", "days": list(DAYS), **times, **further}


def open_now() -> dict[str, Any]:
    """A schedule whose session has begun six hours ago, and ends in six."""
    return hours(timedelta(hours=-6), timedelta(hours=6))


def closed_now() -> dict[str, Any]:
    """A schedule whose session ended six hours ago, and begins in six."""
    return hours(timedelta(hours=6), timedelta(hours=-6))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with an operator."""
    with with_operator(tmp_path_factory.mktemp("scheduled") / "data") as running:
        yield running


@pytest.fixture
def boss(server: RunningServer) -> Person:
    """The operator, signed in."""
    return operator(server.http)


def test_schedules_are_given_shown_and_taken_away_and_what_was_said_holds_over_a_restart(
    server: RunningServer, boss: Person
) -> None:
    path, table, none = PATH.format("ETH-USDT"), closed_now(), PATH.format("SOL-USDT")
    shown = server.http.call("GET", path, headers=boss.bearer).granted()
    assert (shown["schedule"], shown["set_by"], shown["next_change"]) == (None, None, None)
    put = server.http.call("PUT", path, table, boss.bearer).granted()
    assert put["schedule"] == table | {"holidays": [], **dict.fromkeys(("pre_open", "auction", "closing_auction"))}
    assert (put["set_by"], put["next_change"]["status"]) == ("operator", "trading")
    audited = server.http.call("GET", "/admin/audit?limit=1", headers=boss.bearer).granted()["entries"][0]
    assert (audited["action"], audited["subject"], audited["seq"]) == ("schedule", "ETH-USDT", put["seq"])
    said = {name: table[name] for name in ("time_zone", "trading", "closed")}
    assert audited["details"] == said | {"days": "mon tue wed thu fri sat sun"}
    server.http.call("PUT", none, closed_now(), boss.bearer).granted()
    gone = server.http.call("DELETE", none, None, boss.bearer).granted()
    assert (gone["schedule"], gone["set_by"], gone["next_change"]) == (None, "operator", None)
    server.http.call("POST", "/admin/symbols", GOLD | {"schedule": closed_now()}, boss.bearer).granted()

    def statuses() -> list[tuple[str, bool]]:
        views = [server.http.get(f"/status/{symbol}") for symbol in ("ETH-USDT", "SOL-USDT", "GOLD-USDT")]
        return [(view["status"], view["next_change"] is not None) for view in views]

    # what is scheduled next for a symbol that trades has not come; a new one has its status at once
    assert statuses() == [("trading", True), ("trading", False), ("closed", True)]
    server.restart()
    assert statuses() == [("trading", True), ("trading", False), ("closed", True)]
    assert server.http.call("GET", path, headers=boss.bearer).granted()["schedule"] == put["schedule"]
    fees = GOLD | {"taker_fee_bps": "3"}
    server.http.call("POST", "/admin/symbols", fees, boss.bearer).granted()  # without a schedule it keeps its own
    kept = server.http.call("GET", PATH.format("GOLD-USDT"), headers=boss.bearer).granted()
    assert kept["next_change"]["status"] == "trading"


def test_day_orders_end_with_the_session_of_a_schedule_that_an_operator_gave(
    server: RunningServer, boss: Person
) -> None:
    order = {"symbol": "BNB-USDT", "side": "buy", "order_type": "limit", "quantity": "1", "price": "290.00"}
    server.http.call("PUT", PATH.format("BNB-USDT"), open_now(), boss.bearer).granted()
    entered = server.http.post("/order", order | {"time_in_force": "day"}).granted()
    assert "expire_time" not in entered
    server.http.call("POST", "/admin/symbols/BNB-USDT/close", None, boss.bearer).granted()
    assert server.http.get(f"/order/{entered['order_id']}")["status"] == "expired"
    server.http.call("DELETE", PATH.format("BNB-USDT"), None, boss.bearer).granted()
    server.http.call("POST", "/admin/symbols/BNB-USDT/resume", None, boss.bearer).granted()
    entered = server.http.post("/order", order | {"time_in_force": "day"}).granted()
    assert "expire_time" in entered


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"time_zone": "Mars/Olympus"}, "INVALID_VALUE", "Mars/Olympus"),
        ({"days": []}, "INVALID_VALUE", "days names no day"),
        ({"days": ["someday"]}, "INVALID_VALUE", "someday"),
        ({"trading": "9:00"}, "INVALID_VALUE", "HH:MM"),
        ({"trading": "18:00", "closed": "17:00", "pre_open": "16:30"}, "INVALID_VALUE", "within 24 hours"),
        ({"closed": None}, "INVALID_VALUE", "closed"),
        ({"holidays": ["2026-02-30"]}, "INVALID_VALUE", "holidays"),
        ({"holidays": ["2026-12-25"] * 1001}, "INVALID_VALUE", "holidays"),
        ({"opens": "09:00"}, "UNKNOWN_FIELD", "opens"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_and_changes_nothing(
    server: RunningServer, boss: Person, change: dict[str, Any], code: str, word: str
) -> None:
    path = PATH.format("SOL-USDT")
    wrong = {"time_zone": "UTC", "days": ["mon"], "trading": "09:00", "closed": "17:00"} | change
    before = server.http.call("GET", path, headers=boss.bearer).granted()
    refusal = server.http.call("PUT", path, wrong, boss.bearer).refused(400, code)
    assert word in refusal["error"] or word in json.dumps(refusal["details"])
    listing = GOLD | {"symbol": "NEVER-USDT", "schedule": wrong}
    server.http.call("POST", "/admin/symbols", listing, boss.bearer).refused(400, code)
    assert "NEVER-USDT" not in server.http.get("/symbols")["symbols"]
    after = server.http.call("GET", path, headers=boss.bearer).granted()
    assert before | {"seq": 0} == after | {"seq": 0}


def test_a_schedule_is_refused_for_a_symbol_that_is_not_there(server: RunningServer, boss: Person) -> None:
    for method, body in (("PUT", open_now()), ("GET", None), ("DELETE", None)):
        server.http.call(method, PATH.format("NO-WHERE"), body, boss.bearer).refused(404, "UNKNOWN_SYMBOL")


def test_the_shipped_example_of_sessions_is_listed_as_it_is(
    server: RunningServer, boss: Person, tmp_path: Path
) -> None:
    own = {"OPENBELL_KEY": boss.key["key_id"], "OPENBELL_SECRET": boss.key["secret"]}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBELL_")} | own

    def output(*arguments: str, status: int = 0) -> Any:
        done = subprocess.run(
            tool("-m", "tools.operator", "--url", server.url, "--json", *arguments),
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, (done.stdout, done.stderr)
        return json.loads(done.stdout) if status < 2 else None

    listed = output("list", "config/sessions.toml")["listed"]
    assert [row["symbol"] for row in listed] == ["AAPL-USD", "BTC-USDT"]
    shown = output("schedule", "AAPL-USD", "--show")
    assert (shown["schedule"]["time_zone"], shown["set_by"]) == ("America/New_York", "operator")
    assert output("schedule", "AAPL-USD", "--remove")["schedule"] is None
    given = output("schedule", "AAPL-USD", "config/sessions.toml")["schedule"]
    assert given == shown["schedule"]
    alone = tmp_path / "hours.toml"
    alone.write_text(
        'time_zone = "UTC"\ndays = ["mon"]\ntrading = 09:00:00\nclosed = "17:00"\nholidays = [2026-12-28]\n'
    )
    assert output("schedule", "SOL-USDT", str(alone))["schedule"]["holidays"] == ["2026-12-28"]
    assert "has no schedule" in output("schedule", "SOL-USDT", "config/sessions.toml", status=1)["error"]
    alone.write_text('[[instrument]]\nsymbol = "SOL-USDT"\nschedule = "none"\n')
    assert "there is no [schedule.none]" in output("list", str(alone), status=1)["error"]
    output("schedule", "SOL-USDT", str(alone), "--remove", status=2)


@given(
    st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
    st.lists(st.times().map(lambda at: at.strftime("%H:%M:%S")), min_size=5, max_size=5, unique=True),
    st.lists(st.dates(date(2026, 1, 1), date(2030, 1, 1)), max_size=3, unique=True),
    st.sets(st.sampled_from(("pre_open", "auction", "closing_auction"))),
)
def test_a_schedule_that_is_shown_is_the_one_that_was_given(
    days: list[Any], times: list[str], holidays: list[date], without: set[str]
) -> None:
    names = ("pre_open", "auction", "trading", "closing_auction", "closed")
    given_times = {name: at for name, at in zip(names, sorted(times), strict=True) if name not in without}
    schedule = schedule_of(ScheduleTable(time_zone="Europe/Berlin", days=days, holidays=holidays, **given_times))
    assert schedule_of(table_of(schedule)) == schedule


def test_what_is_kept_is_read_again_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "schedules.json"
    kept = ScheduleStore(ScheduleFile(path))
    table = table_of(schedule_of(ScheduleTable(time_zone="UTC", days=["mon"], trading="09:00", closed="17:00")))
    kept.save("ONE", StoredSchedule(7, table))
    kept.save("TWO", StoredSchedule(8, None))
    again = ScheduleStore(ScheduleFile(path))
    assert again.by_symbol == {"ONE": StoredSchedule(7, table), "TWO": StoredSchedule(8, None)}
    assert again.over(VenueFile([], {}), Exchange()) == VenueFile([], {})  # neither is listed
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ListingError, match=r"schedules\.json"):
        ScheduleStore(ScheduleFile(path))
