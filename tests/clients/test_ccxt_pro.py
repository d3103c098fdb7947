"""ccxt.pro against a server of ours: a book that never crosses and equals ours, trades, candles, own orders."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.library_programs import LibraryProgram, configuration
from tests.clients.venues import change_book
from tests.server import RunningServer

CHANGES = 10_000
BOOK = "/book/BTC-USDT?levels=1000"

Results = dict[str, Any]


@pytest.fixture(scope="module")
def followed(venue: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Any]:
    """What ccxt.pro saw while ten thousand orders and cancels were carried out, and the book behind them."""
    path = configuration("ccxt-pro", venue.url, tmp_path_factory.mktemp("ccxt-pro") / "openbell.py")
    with LibraryProgram("ccxt", "ccxt_pro", str(path)) as program:
        program.wait_for("ready")
        assert change_book(venue.http, CHANGES, seed=7) >= CHANGES
        venue.http.enter("BTC-USDT", "buy", "0.001")
        book = venue.http.get(BOOK)
        program.go_on(str(venue.http.get("/trades/BTC-USDT?limit=1")["trades"][0]["trade_id"]))
        program.wait_for("resting")
        venue.http.enter("ETH-USDT", "buy", "1", "2000.00")
        program.go_on()
        return program.results(), book


def numbers(levels: list[list[Any]]) -> list[list[float]]:
    """Levels as ccxt has them."""
    return [[float(price), float(quantity)] for price, quantity in levels]


def test_no_stream_ended_by_an_error(followed: tuple[Results, Any]) -> None:
    results, _ = followed
    assert (results["errors"], results["user_errors"]) == ([], [])


def test_the_book_is_never_crossed(followed: tuple[Results, Any]) -> None:
    results, _ = followed
    assert results["crossed"] == []
    assert results["book_updates"] > 1  # a busy machine sees fewer, each of more changes


def test_the_book_equals_ours_after_ten_thousand_changes(followed: tuple[Results, Any]) -> None:
    results, book = followed
    assert results["book"]["bids"] == numbers(book["bids"])
    assert results["book"]["asks"] == numbers(book["asks"])
    assert results["rest_book"]["bids"] == results["book"]["bids"]
    assert results["rest_book"]["asks"] == results["book"]["asks"]


def test_every_trade_comes_once_and_in_order(followed: tuple[Results, Any], venue: RunningServer) -> None:
    results, _ = followed
    ids = [int(trade_id) for trade_id in results["trade_ids"]]
    assert len(ids) > 100
    assert ids == sorted(set(ids))
    newest = [int(trade["trade_id"]) for trade in reversed(venue.http.get("/trades/BTC-USDT?limit=100")["trades"])]
    assert ids[-100:] == newest


def test_candles_and_tickers_are_those_of_rest(followed: tuple[Results, Any], venue: RunningServer) -> None:
    results, _ = followed
    by_rest = {row[0]: row for row in results["rest_candles"]}
    newest = results["candles"][-1]
    assert newest == by_rest[newest[0]]
    assert results["tickers"] > 0
    assert results["last_ticker"]["last"] == newest[4] == float(venue.http.get("/ticker/BTC-USDT")["last"])


def test_orders_are_entered_read_and_cancelled_over_the_websocket(followed: tuple[Results, Any]) -> None:
    results, _ = followed
    entered = results["create_order_ws"]
    assert (entered["status"], entered["amount"], entered["price"]) == ("open", 2.0, 2000.0)
    assert results["fetch_order_ws"]["id"] == entered["id"]
    assert entered["id"] in [order["id"] for order in results["fetch_open_orders_ws"]]
    assert results["insufficient_ws"]["raised"] == "InsufficientFunds"
    assert (results["cancel_order_ws"]["id"], results["cancel_order_ws"]["status"]) == (entered["id"], "canceled")
    balances = results["fetch_balance_ws"]["info"]["balances"]  # ccxt reads none of these by itself
    assert {"asset": "ETH", "free": "100.000000", "locked": "0.000000"} in balances


def test_own_orders_fills_and_balances_are_watched(followed: tuple[Results, Any]) -> None:
    results, _ = followed
    order_id = results["create_order_ws"]["id"]
    states = [(order["status"], order["filled"]) for order in results["watch_orders"] if order["id"] == order_id]
    assert states == [("open", 0.0), ("open", 1.0), ("canceled", 1.0)]
    (trade,) = results["watch_my_trades"]
    assert (trade["order"], trade["amount"], trade["price"], trade["takerOrMaker"]) == (order_id, 1.0, 2000.0, "maker")
    assert trade["fee"]["cost"] > 0
    last, rest = results["watch_balances"][-1], results["rest_balance"]
    assert (last["ETH"], last["USDT"]) == (rest["ETH"], rest["USDT"])
    assert last["ETH"]["total"] == 99.0
