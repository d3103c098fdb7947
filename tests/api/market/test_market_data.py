"""Market data over HTTP: names, shapes, figures, and pages without duplicates or holes."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.market.paging import every_page
from tests.api.orders.shapes import BBO, ORDER, TRADE, check_shape
from tests.server import Http

HEALTH = {
    "status": str,
    "accepting": bool,
    "reason": str | None,
    "timestamp": float,
    "uptime": float,
    "version": str,
    "profile": str,
    "connections": int,
    "flows": list,
    "sources": list,
    "symbols_by_status": dict,
    "history": dict,
    "clock": dict,
    "faults": dict,
    "seq": int,
}
SYMBOL_INFO = {
    "bbo": dict,
    "active_orders": int,
    "total_trades": int,
    "base": str,
    "quote": str,
    "quote_scale": int,
    "tick_size": str,
    "lot_size": str,
    "status": str,
    "session": dict,
    "limits": dict,
    "fees": dict,
}
BOOK_BY_ORDER = {"timestamp": float, "symbol": str, "bids": list, "asks": list, "seq": int}
BOOK = BOOK_BY_ORDER | {"bid_orders": list, "ask_orders": list, "status": str, "limit_state": str | None}
STATUS = {
    "symbol": str,
    "status": str,
    "limit_state": str | None,
    "limit_price": str | None,
    "band": list | None,
    "next_change": dict | None,
    "indicative": dict | None,
    "timestamp": float,
    "seq": int,
}
BOOK_ORDER = {"order_id": str, "price": str, "quantity": str, "timestamp": float}
QUOTE = {
    "symbol": str,
    "status": str,
    "trades_now": bool,
    "side": str,
    "quantity": str,
    "filled_quantity": str,
    "average_price": str | None,
    "best_price": str | None,
    "worst_price": str | None,
    "levels_used": int,
    "notional": str,
    "taker_fee": str,
    "timestamp": float,
    "seq": int,
}
TICKER = {
    "symbol": str,
    "open": str | None,
    "high": str | None,
    "low": str | None,
    "last": str | None,
    "change": str | None,
    "change_percent": str | None,
    "volume": str,
    "quote_volume": str,
    "trades": int,
    "best_bid": str | None,
    "best_ask": str | None,
    "timestamp": float,
    "seq": int,
    "status": str,
    "limit_state": str | None,
}
STATISTICS = {
    "orders_processed": int,
    "trades_executed": int,
    "total_volume": str,
    "volume_by_symbol": dict,
    "orders_per_second": float,
    "avg_latency_ms": float,
    "latency_ms": dict,
    "start_time": float,
    "uptime_seconds": float,
    "symbols_count": int,
    "symbols_by_status": dict,
    "active_orders": int,
    "error_counts": dict,
    "history_lag": int,
    "history_failure": str | None,
    "seq": int,
}
SYMBOL_STATISTICS = {
    "symbol": str,
    "status": str,
    "limit_state": str | None,
    "orders_processed": int,
    "trades_executed": int,
    "total_orders": int,
    "total_trades": int,
    "last_trade_price": str | None,
    "last_trade_time": float | None,
    "total_volume": str,
    "total_value": str,
    "active_orders": int,
    "bid_levels": int,
    "ask_levels": int,
    "orders_per_second": float,
    "avg_latency_ms": float,
    "latency_ms": dict,
    "start_time": float,
    "uptime_seconds": float,
    "symbols_count": int,
    "error_counts": dict,
    "seq": int,
}


@pytest.fixture
def ladder(http: Http, symbol: str) -> str:
    """A symbol with bids 99 (two orders) and 98, asks 101 and 102.50."""
    for side, quantity, price in (
        ("buy", "1", "99"),
        ("buy", "2", "99"),
        ("buy", "3", "98"),
        ("sell", "1", "101"),
        ("sell", "2.5", "102.5"),
    ):
        http.enter(symbol, side, quantity, price)
    return symbol


def test_health_says_whether_orders_are_taken(http: Http) -> None:
    health = http.get("/health")
    check_shape(health, HEALTH)
    assert (health["status"], health["accepting"], health["reason"]) == ("healthy", True, None)
    assert health["symbols_by_status"] == {"trading": len(http.get("/symbols")["symbols"])}
    with_digest = http.get("/health?digest=true")
    check_shape(with_digest, HEALTH | {"digest": str})
    assert len(with_digest["digest"]) == 64


def test_symbols_are_listed_with_their_steps_limits_and_fees(http: Http, ladder: str) -> None:
    listed = http.get("/symbols")
    check_shape(listed, {"symbols": list, "symbol_info": dict, "count": int, "seq": int})
    assert listed["symbols"][:5] == ["BTC-USDT", "ETH-USDT", "BNB-USDT", "SOL-USDT", "AAPL-USD"]
    assert (listed["count"], set(listed["symbols"])) == (len(listed["symbols"]), listed["symbol_info"].keys())
    info = listed["symbol_info"][ladder]
    check_shape(info, SYMBOL_INFO)
    check_shape(info["bbo"], BBO)
    assert (info["active_orders"], info["total_trades"], info["tick_size"], info["lot_size"]) == (5, 0, "0.01", "0.001")
    assert info["fees"] == {"maker_percent": "0.02", "taker_percent": "0.05"}
    assert info["limits"] == {
        "min_quantity": "0.001",
        "max_quantity": "1000000.000",
        "min_notional": "0",
        "max_notional": "1000000000",
        "collar_percent": None,
        "band_percent": None,
        "max_open_orders": 100_000,
    }
    assert listed["symbol_info"]["BTC-USDT"]["limits"]["collar_percent"] == "10"


def test_the_book_is_shown_by_price(http: Http, ladder: str) -> None:
    book = http.get(f"/book/{ladder}")
    check_shape(book, BOOK)
    assert (book["bids"], book["bid_orders"]) == ([["99.00", "3.000"], ["98.00", "3.000"]], [2, 1])
    assert (book["asks"], book["ask_orders"]) == ([["101.00", "1.000"], ["102.50", "2.500"]], [1, 1])
    one = http.get(f"/book/{ladder}?levels=1")
    assert (one["bids"], one["asks"]) == (book["bids"][:1], book["asks"][:1])
    for levels in ("0", "1001", "-1", "some", "1.5", ""):
        http.call("GET", f"/book/{ladder}?levels={levels}").refused(400, "INVALID_VALUE")


def test_the_book_shows_ten_levels_unless_told_otherwise(http: Http, symbol: str) -> None:
    for price in range(80, 95):
        http.enter(symbol, "buy", "1", str(price))
    depths = {query: len(http.get(f"/book/{symbol}{query}")["bids"]) for query in ("", "?levels=12", "?levels=all")}
    assert depths == {"": 10, "?levels=12": 12, "?levels=all": 15}


def test_the_book_is_shown_by_order_without_owners(http: Http, ladder: str) -> None:
    book = http.get(f"/book/{ladder}/orders")
    check_shape(book, BOOK_BY_ORDER)
    for order in book["bids"] + book["asks"]:
        check_shape(order, BOOK_ORDER)
    assert [(o["price"], o["quantity"]) for o in book["bids"]] == [
        ("99.00", "1.000"),
        ("99.00", "2.000"),
        ("98.00", "3.000"),
    ]
    ids = [int(order["order_id"]) for order in book["bids"]]
    assert ids == sorted(ids)
    assert len(http.get(f"/book/{ladder}/orders?limit=2")["bids"]) == 2


def test_the_best_bid_and_offer(http: Http, ladder: str, symbol: str) -> None:
    best = http.get(f"/bbo/{ladder}")
    check_shape(best, BBO)
    assert {name: best[name] for name in BBO if name not in ("timestamp", "seq")} == {
        "symbol": ladder,
        "best_bid": "99.00",
        "best_ask": "101.00",
        "spread": "2.00",
        "mid_price": "100.00",
        "bid_size": "3.000",
        "ask_size": "1.000",
        "status": "trading",
        "limit_state": None,
    }


def test_an_empty_side_is_null(http: Http, symbol: str) -> None:
    best = http.get(f"/bbo/{symbol}")
    check_shape(best, BBO)
    assert (best["best_bid"], best["spread"], best["mid_price"], best["bid_size"]) == (None, None, None, "0.000")


def test_a_symbol_without_band_or_sessions_trades_and_plans_nothing(http: Http, symbol: str) -> None:
    stands = http.get(f"/status/{symbol}")
    check_shape(stands, STATUS)
    expected = {"status": "trading", "limit_state": None, "band": None, "next_change": None, "indicative": None}
    assert {name: stands[name] for name in expected} == expected
    assert http.get("/symbols")["symbol_info"][symbol]["session"].keys() == STATUS.keys()
    http.call("GET", "/status/NO-SUCH").refused(404, "UNKNOWN_SYMBOL")


def test_a_middle_between_two_ticks_is_exact(http: Http, symbol: str) -> None:
    http.enter(symbol, "buy", "1", "100.00")
    http.enter(symbol, "sell", "1", "100.01")
    best = http.get(f"/bbo/{symbol}")
    assert (best["mid_price"], best["spread"]) == ("100.005", "0.01")


def test_a_quote_says_what_a_quantity_would_cost(http: Http, ladder: str) -> None:
    quoted = http.get(f"/quote/{ladder}?side=buy&quantity=2")
    check_shape(quoted, QUOTE)
    assert {name: quoted[name] for name in QUOTE if name not in ("timestamp", "seq", "symbol", "side")} == {
        "status": "trading",
        "trades_now": True,
        "quantity": "2.000",
        "filled_quantity": "2.000",
        "average_price": "101.75",
        "best_price": "101.00",
        "worst_price": "102.50",
        "levels_used": 2,
        "notional": "203.5",
        "taker_fee": "0.10175",
    }
    too_much = http.get(f"/quote/{ladder}?side=sell&quantity=100")
    assert (too_much["filled_quantity"], too_much["worst_price"]) == ("6.000", "98.00")
    bought = http.enter(ladder, "buy", "2")
    assert (bought["average_price"], bought["total_taker_fees"]) == ("101.75", "0.10175")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "MISSING_FIELD"),
        ("side=buy", 400, "MISSING_FIELD"),
        ("side=up&quantity=1", 400, "INVALID_VALUE"),
        ("side=buy&quantity=x", 400, "INVALID_VALUE"),
        ("side=buy&quantity=NaN", 400, "NOT_FINITE"),
        ("side=buy&quantity=0", 400, "NOT_POSITIVE"),
        ("side=buy&quantity=1e400", 400, "OUT_OF_RANGE"),
        ("side=buy&quantity=0.0001", 422, "BAD_LOT"),
        ("side=buy&quantity=1&price=2", 400, "UNKNOWN_FIELD"),
    ],
)
def test_a_wrong_quote_query_has_its_own_answer(http: Http, query: str, status: int, code: str) -> None:
    http.call("GET", f"/quote/T000?{query}").refused(status, code)


def test_a_quote_of_an_empty_book_fills_nothing(http: Http, symbol: str) -> None:
    quoted = http.get(f"/quote/{symbol}?side=buy&quantity=1")
    check_shape(quoted, QUOTE)
    assert (quoted["filled_quantity"], quoted["average_price"], quoted["notional"]) == ("0.000", None, "0")


def test_trades_are_newest_first(http: Http, symbol: str) -> None:
    for price in ("100", "101", "99"):
        http.enter(symbol, "buy", "1", price)
        http.enter(symbol, "sell", "1", price)
    page = http.get(f"/trades/{symbol}")
    check_shape(page, {"symbol": str, "trades": list, "count": int, "seq": int})
    for trade in page["trades"]:
        check_shape(trade, TRADE)
    assert ([trade["price"] for trade in page["trades"]], page["count"]) == (["99.00", "101.00", "100.00"], 3)
    older = http.get(f"/trades/{symbol}?before={page['trades'][0]['trade_id']}")["trades"]
    assert older == page["trades"][1:]
    for query in ("limit=0", "limit=1001", "before=0", "before=x"):
        http.call("GET", f"/trades/{symbol}?{query}").refused(400, "INVALID_VALUE")


def test_all_trades_are_paged_beyond_those_kept_in_memory(http: Http, symbol: str) -> None:
    quantity = 0
    for _ in range(3):
        maker = {"symbol": symbol, "side": "sell", "order_type": "limit", "quantity": "0.001", "price": "100"}
        entered = http.post("/orders/batch", {"orders": [maker] * 350}).granted()["results"]
        assert {result["status"] for result in entered} == {200}
        answer = http.enter(symbol, "buy", "0.35", "100")
        quantity += len(answer["trades"])
    newest = http.get(f"/trades/{symbol}?limit=1000")["trades"]
    assert (quantity, len(newest)) == (1050, 1000)
    rest = http.get(f"/trades/{symbol}?limit=1000&before={newest[-1]['trade_id']}")["trades"]
    ids = [int(trade["trade_id"]) for trade in newest + rest]
    assert len(ids) == 1050
    assert ids == sorted(set(ids), reverse=True)
    paged: list[dict[str, Any]] = []
    while page := http.get(f"/trades/{symbol}?limit=400&before={paged[-1]['trade_id'] if paged else 10**18}")["trades"]:
        paged += page
    assert paged == newest + rest


def test_the_ticker_folds_the_day(http: Http, symbol: str) -> None:
    empty = http.get(f"/ticker/{symbol}")
    check_shape(empty, TICKER)
    assert (empty["open"], empty["change_percent"], empty["volume"], empty["trades"]) == (None, None, "0.000", 0)
    for price in ("100", "120", "90", "110"):
        http.enter(symbol, "buy", "2", price)
        http.enter(symbol, "sell", "2", price)
    http.enter(symbol, "buy", "1", "105")
    day = http.get(f"/ticker/{symbol}")
    check_shape(day, TICKER)
    assert (day["status"], day["limit_state"]) == ("trading", None)
    figures = TICKER.keys() - {"timestamp", "seq", "symbol", "status", "limit_state"}
    assert {name: day[name] for name in figures} == {
        "open": "100.00",
        "high": "120.00",
        "low": "90.00",
        "last": "110.00",
        "change": "10.00",
        "change_percent": "10.00",
        "volume": "8.000",
        "quote_volume": "840",
        "trades": 4,
        "best_bid": "105.00",
        "best_ask": None,
    }
    every = http.get("/ticker")
    assert every.keys() == {"tickers"}
    same = ("symbol", "open", "last", "volume")
    (found,) = [ticker for ticker in every["tickers"] if ticker["symbol"] == symbol]
    assert {name: found[name] for name in same} == {name: day[name] for name in same}


def test_statistics_count_orders_trades_and_rejects(http: Http, ladder: str) -> None:
    before = http.get("/statistics")
    check_shape(before, STATISTICS)
    assert before["latency_ms"].keys() == {"p50", "p90", "p99", "p99.9", "max"}
    http.enter(ladder, "sell", "1.5", "99")
    refused = {"symbol": ladder, "side": "buy", "order_type": "limit", "quantity": "1", "price": "1.001"}
    http.post("/order", refused).refused(400, "BAD_TICK")
    after = http.get("/statistics")
    assert after["orders_processed"] - before["orders_processed"] == 2
    assert after["trades_executed"] - before["trades_executed"] == 2
    assert after["error_counts"]["bad_tick"] - before["error_counts"].get("bad_tick", 0) == 1
    assert after["volume_by_symbol"][ladder] == "1.500"
    assert Decimal(after["total_volume"]) - Decimal(before["total_volume"]) == Decimal("1.5")
    assert Decimal(after["total_volume"]) == sum(map(Decimal, after["volume_by_symbol"].values()))
    assert after["avg_latency_ms"] > 0
    assert abs(after["start_time"] + after["uptime_seconds"] - time.time()) < 5
    mine = http.get(f"/statistics?symbol={ladder}")
    check_shape(mine, SYMBOL_STATISTICS)
    (last, _) = http.get(f"/trades/{ladder}")["trades"]
    counted = ["status", "limit_state", "orders_processed", "trades_executed", "total_orders", "total_trades"]
    counted += ["symbol", "last_trade_price", "last_trade_time", "total_volume", "total_value"]
    counted += ["active_orders", "bid_levels", "ask_levels"]
    assert {name: mine[name] for name in counted} == {
        "symbol": ladder,
        "status": "trading",
        "limit_state": None,
        "orders_processed": 7,
        "trades_executed": 2,
        "total_orders": 7,
        "total_trades": 2,
        "last_trade_price": "99.00",
        "last_trade_time": last["timestamp"],
        "total_volume": "1.500",
        "total_value": "148.5",
        "active_orders": 4,
        "bid_levels": 2,
        "ask_levels": 2,
    }


@pytest.mark.parametrize(
    "path",
    ["/book/{}", "/book/{}/orders", "/bbo/{}", "/quote/{}?side=buy&quantity=1", "/trades/{}", "/ticker/{}"],
)
@pytest.mark.parametrize("name", ["NOPE", "btc-usd", "BTC-USDT ", "\u0661", "a\x00b", "x" * 2000, "<script>"])
def test_an_unknown_symbol_is_404_everywhere(http: Http, path: str, name: str) -> None:
    http.call("GET", path.format(quote(name))).refused(404, "UNKNOWN_SYMBOL")


def test_statistics_of_an_unknown_symbol_are_404(http: Http) -> None:
    http.call("GET", "/statistics?symbol=NOPE").refused(404, "UNKNOWN_SYMBOL")


# -- one's own orders


def test_orders_are_paged_over_open_and_done_ones_alike(http: Http, symbol: str) -> None:
    entered = [http.enter(symbol, "buy", "1", f"{90 + number % 7}")["order_id"] for number in range(40)]
    for order_id in entered[::3]:
        http.call("DELETE", f"/order/{order_id}").granted()
    entered.append(http.enter(symbol, "sell", "4.5", "90")["order_id"])
    listed = every_page(http, f"symbol={symbol}&limit=7")
    assert [order["order_id"] for order in listed] == entered[::-1]
    for order in listed:
        check_shape(order, ORDER)
    by_status = {
        status: [order["order_id"] for order in every_page(http, f"symbol={symbol}&limit=5&status={status}")]
        for status in ("open", "done", "resting", "partially_filled", "filled", "cancelled")
    }
    assert sorted(by_status["open"] + by_status["done"]) == sorted(entered)
    assert set(by_status["resting"] + by_status["partially_filled"]) == set(by_status["open"])
    assert set(by_status["filled"] + by_status["cancelled"]) == set(by_status["done"])
    assert {order["order_id"]: order["status"] for order in listed} == {
        order_id: status
        for status in ("resting", "partially_filled", "filled", "cancelled")
        for order_id in by_status[status]
    }
    assert len(by_status["filled"]) == 5
    assert len(by_status["partially_filled"]) == 1


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=ten", "cursor=0", "cursor=x", "status=new", "symbol="]
)
def test_a_wrong_orders_query_is_refused(http: Http, query: str) -> None:
    http.call("GET", f"/orders?{query}").refused(400, "INVALID_VALUE")


def test_orders_of_an_unknown_symbol_are_404(http: Http) -> None:
    http.call("GET", "/orders?symbol=NOPE").refused(404, "UNKNOWN_SYMBOL")
    http.call("GET", "/orders?pages=1").refused(400, "UNKNOWN_FIELD")
