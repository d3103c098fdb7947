"""GET /candles: what a chart begins with, against the trades themselves; and the queue of one level."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from history.candles import SECONDS, Interval
from tests.programs import rebuild
from tests.server import Http, RunningServer

PRICES = ("100", "104.5", "97.25", "101")


def trade(http: Http, symbol: str, price: str, quantity: str) -> None:
    """Have two orders meet."""
    http.enter(symbol, "buy", quantity, price)
    http.enter(symbol, "sell", quantity, price)


def grouped(trades: list[Any], interval: Interval) -> list[list[Any]]:
    """Candles from trades as GET /trades gives them, newest first."""
    groups: dict[int, list[Any]] = {}
    for each in reversed(trades):
        second = each["ts_ns"] // 10**9
        groups.setdefault(second - second % SECONDS[interval], []).append(each)
    rows = []
    for start, group in groups.items():
        prices = [each["price"] for each in group]
        volume = sum(Decimal(each["quantity"]) for each in group)
        rows.append([start, prices[0], max(prices, key=Decimal), min(prices, key=Decimal), prices[-1], f"{volume:f}"])
    return rows


def every_trade(http: Http, symbol: str) -> list[Any]:
    """All trades, newest first, three a page."""
    found: list[Any] = []
    while page := http.get(f"/trades/{symbol}?limit=3" + (f"&before={found[-1]['trade_id']}" if found else ""))[
        "trades"
    ]:
        found += page
    return found


def test_the_candles_are_those_of_the_trades_the_running_one_included(http: Http, symbol: str) -> None:
    for price in PRICES:
        trade(http, symbol, price, "1.5")
        trades = every_trade(http, symbol)
        for interval in Interval:  # at once after the trade: nothing may be missing
            page = http.get(f"/candles/{symbol}?interval={interval}")
            assert page["candles"] == grouped(trades, interval)
            assert (page["symbol"], page["interval"], page["count"]) == (symbol, interval, len(page["candles"]))
    newest = http.get(f"/candles/{symbol}?interval=1s&limit=1")["candles"]
    assert newest == grouped(trades, Interval.ONE_SECOND)[-1:]
    time = newest[0][0]
    assert http.get(f"/candles/{symbol}?interval=1s&start={time}&end={time + 1}")["candles"] == newest
    assert http.get(f"/candles/{symbol}?interval=1s&start={time + 1}")["candles"] == []
    assert newest[0] not in http.get(f"/candles/{symbol}?interval=1s&end={time}")["candles"]


def test_a_symbol_without_trades_has_no_candles(http: Http, symbol: str) -> None:
    page = http.get(f"/candles/{symbol}")
    assert (page["interval"], page["candles"], page["count"]) == ("1m", [], 0)


@pytest.mark.parametrize(
    "query",
    [
        "interval=2m",
        "interval=",
        "limit=0",
        "limit=1001",
        "start=-1",
        "start=1.5",
        "start=now",
        f"end={2**63}",
        "start=" + "9" * 50,
    ],
)
def test_what_cannot_be_asked_is_refused(http: Http, symbol: str, query: str) -> None:
    http.call("GET", f"/candles/{symbol}?{query}").refused(400, "INVALID_VALUE")


def test_an_unknown_symbol_has_no_candles(http: Http) -> None:
    http.call("GET", "/candles/NONE").refused(404, "UNKNOWN_SYMBOL")


def test_one_level_opens_to_its_queue(http: Http, symbol: str) -> None:
    first, second, other = (http.enter(symbol, "buy", q, p) for q, p in (("1", "99"), ("2", "99"), ("3", "98")))
    asked = http.enter(symbol, "sell", "4", "101")
    path = f"/book/{symbol}/orders"

    def at(price: str) -> list[list[str]]:
        view = http.get(f"{path}?price={price}")
        return [[order["order_id"] for order in view[side]] for side in ("bids", "asks")]

    assert at("99") == [[first["order_id"], second["order_id"]], []]
    assert at("98.00") == [[other["order_id"]], []]
    assert at("101") == [[], [asked["order_id"]]]
    assert [at("100"), at("0")] == [[[], []]] * 2
    assert [order["quantity"] for order in http.get(f"{path}?price=99&limit=1")["bids"]] == ["1.000"]
    http.call("GET", f"{path}?price=99.001").refused(422, "BAD_TICK")
    http.call("GET", f"{path}?price=-1").refused(400, "NOT_POSITIVE")
    http.call("GET", f"{path}?price=NaN").refused(400, "NOT_FINITE")
    http.call("GET", f"{path}?price=1e60").refused(400, "OUT_OF_RANGE")


def test_candles_trades_and_the_day_are_the_same_after_a_restart_and_a_rebuild(tmp_path: Path) -> None:
    symbol = "BTC-USDT"
    paths = [f"/candles/{symbol}?interval={interval}" for interval in Interval]
    paths += [f"/trades/{symbol}?limit=3", f"/trades/{symbol}?before=3", f"/ticker/{symbol}", "/ticker"]

    def view() -> list[Any]:
        answers = [http.get(path) for path in paths]
        tickers = [answer for each in answers for answer in each.get("tickers", [each])]
        return [{**ticker, "timestamp": 0, "seq": 0} for ticker in tickers]

    with RunningServer(tmp_path / "data") as server:
        http = server.http
        for price in ("30000.00", "30100.50", "29900.25"):
            trade(http, symbol, price, "0.5")
        before = view()
        assert [each["candles"][0][0] for each in before[:6]] != [0] * 6
        server.restart()
        http = server.http
        assert view() == before
        server.stop()
        assert rebuild(tmp_path / "data").returncode == 0
        server.start()
        http = server.http
        assert view() == before
        trade(http, symbol, "30200.00", "0.5")
        day = http.get(f"/candles/{symbol}?interval=1d")["candles"]
        assert day == grouped(every_trade(http, symbol), Interval.ONE_DAY)
