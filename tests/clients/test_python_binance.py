"""python-binance against a server of ours: REST, the depth cache manager, the market's and the user's sockets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.library_programs import LibraryProgram, configuration, results_of
from tests.clients.venues import change_book
from tests.server import RunningServer

CHANGES = 4_000
Results = dict[str, Any]
NEGATIVE = {
    "insufficient": -2010,
    "would_take": -2010,
    "unknown_order": -2013,
    "unknown_cancel": -2011,
    "bad_symbol": -1121,
    "bad_tick": -1013,
    "bad_side": -1117,
    "missing": -1102,
    "bad_secret": -1022,
}


@pytest.fixture(scope="module")
def settings(venue: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A configuration as it is printed, with the key of a guest."""
    return str(configuration("python-binance", venue.url, tmp_path_factory.mktemp("python-binance") / "openbell.py"))


@pytest.fixture(scope="module")
def results(settings: str) -> Results:
    """What came of every call over REST."""
    return results_of("python-binance", "python_binance", settings)


@pytest.fixture(scope="module")
def sockets(venue: RunningServer, results: Results, settings: str) -> Results:
    """What its sockets brought while the market moved."""
    assert results
    with LibraryProgram("python-binance", "python_binance_sockets", settings) as program:
        program.wait_for("ready")
        change_book(venue.http, CHANGES, seed=11)
        venue.http.enter("BTC-USDT", "buy", "0.001")
        program.go_on(str(venue.http.get("/trades/BTC-USDT?limit=1")["trades"][0]["trade_id"]))
        program.wait_for("resting")
        venue.http.enter("ETH-USDT", "buy", "1", "2000.00")
        program.go_on()
        return program.results()


def test_every_call_that_has_to_succeed_does(results: Results) -> None:
    succeeded = {step: result for step, result in results.items() if step not in NEGATIVE}
    assert {step: one for step, one in succeeded.items() if isinstance(one, dict) and "raised" in one} == {}
    assert len(succeeded) >= 30


@pytest.mark.parametrize(("step", "code"), NEGATIVE.items())
def test_what_is_refused_has_the_code_of_binance(results: Results, step: str, code: int) -> None:
    assert (results[step].get("raised"), results[step].get("code")) == ("BinanceAPIException", code), results[step]


def test_the_two_refusals_that_clients_know_by_their_words_have_them(results: Results) -> None:
    assert "Account has insufficient balance for requested action." in results["insufficient"]["message"]
    assert "Order would immediately match and take." in results["would_take"]["message"]


def test_a_trade_is_the_same_wherever_it_is_read(results: Results) -> None:
    newest = results["recent_trades"][-1]
    assert results["historical_trades"][-1] == newest
    assert (results["aggregate_trades"][-1]["p"], results["aggregate_trades"][-1]["l"]) == (
        newest["price"],
        newest["id"],
    )
    assert results["klines"][-1][4] == newest["price"] == results["symbol_ticker"]["price"]
    assert results["historical_klines"][-1][:6] == results["klines"][-1][:6]


def test_an_order_is_found_by_both_its_ids_and_cancelled(results: Results) -> None:
    resting = results["limit_buy"]
    assert (resting["status"], resting["clientOrderId"], resting["origQty"]) == ("NEW", "mine-2", "0.50000000")
    assert results["get_order"] == results["by_own_id"]
    assert [order["orderId"] for order in results["open_orders"]] == [resting["orderId"]]
    assert results["cancel_order"]["status"] == "CANCELED"
    assert results["test_order"] == {}


def test_market_orders_fill_and_are_in_the_list_of_own_trades(results: Results) -> None:
    bought = results["market_buy"]
    assert (bought["status"], bought["executedQty"]) == ("FILLED", "0.20000000")
    assert {fill["price"] for fill in bought["fills"]} == {"30010.00"}
    assert results["market_by_quote"]["status"] == "FILLED"
    orders = {trade["orderId"] for trade in results["my_trades"]}
    assert orders == {results[step]["orderId"] for step in ("market_buy", "market_by_quote", "market_sell")}


def test_a_pair_of_which_one_cancels_the_other_is_two_open_orders(results: Results) -> None:
    pair = results["oco"]
    assert {report["type"] for report in pair["orderReports"]} == {"LIMIT_MAKER", "STOP_LOSS_LIMIT"}
    open_ids = {order["orderId"] for order in results["after_oco"]}
    assert {order["orderId"] for order in pair["orders"]} == open_ids
    assert len(open_ids) == 2
    assert results["none_open"] == []


def test_the_depth_cache_equals_the_book(sockets: Results) -> None:
    assert sockets["cache_updates"] >= 3
    for side in ("bids", "asks"):
        levels = [[float(price), float(quantity)] for price, quantity in sockets["order_book"][side]]
        assert sockets["depth_cache"][side] == levels


def test_market_sockets_bring_trades_candles_and_several_streams_in_one(sockets: Results) -> None:
    ids = [trade["t"] for trade in sockets["trades"]]
    assert ids == sorted(set(ids))
    assert (sockets["trades"][-1]["e"], sockets["candles"][-1]["k"]["i"]) == ("trade", "1m")
    assert {one["stream"] for one in sockets["several"]} == {"btcusdt@bookTicker", "btcusdt@miniTicker"}
    assert sockets["socket_errors"] == []


def test_the_user_socket_brings_every_change_of_an_order_and_balances(sockets: Results) -> None:
    order_id = sockets["limit_sell"]["orderId"]
    reports = [one for one in sockets["user_events"] if one["e"] == "executionReport" and one["i"] == order_id]
    assert [(one["x"], one["X"], one["z"]) for one in reports] == [
        ("NEW", "NEW", "0.000000"),
        ("TRADE", "PARTIALLY_FILLED", "1.000000"),
        ("CANCELED", "CANCELED", "1.000000"),
    ]
    balances = [one for one in sockets["user_events"] if one["e"] == "outboundAccountPosition"]
    assert {balance["a"] for one in balances for balance in one["B"]} >= {"ETH", "USDT"}


def test_orders_are_entered_read_and_cancelled_over_the_websocket(sockets: Results) -> None:
    assert sockets["ws_get_order"]["executedQty"] == "1.000000"
    assert sockets["ws_cancel_order"]["status"] == "CANCELED"
    assert [one["orderId"] for one in sockets["ws_get_open_orders"]] == [sockets["ws_create_order"]["orderId"]]
    assert sockets["ws_get_account"]["canTrade"] is True


def test_a_listen_key_is_given_kept_and_closed(sockets: Results) -> None:
    assert isinstance(sockets["listen_key"], str)
    assert (sockets["listen_key_kept"], sockets["listen_key_closed"]) == ({}, {})
