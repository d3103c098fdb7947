"""ccxt, synchronous and asynchronous, against a server of ours: unchanged, by its configuration alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.api.clients import START_GRACE_S, created
from tests.clients.library_programs import configuration, results_of
from tests.clients.venues import make_market
from tests.server import RunningServer

Results = dict[str, Any]
NEGATIVE = {
    "insufficient_funds": "InsufficientFunds",
    "would_take": "OrderImmediatelyFillable",
    "unknown_order": "OrderNotFound",
    "unknown_cancel": "OrderNotFound",
    "bad_tick": "InvalidOrder",
    "bad_lot": "InvalidOrder",
    "no_price": "BadRequest",
    "bad_symbol": "BadSymbol",
    "bad_symbol_of_book": "BadSymbol",
    "bad_interval": "BadRequest",
    "late": "InvalidNonce",
    "bad_secret": "AuthenticationError",
    "bad_key": "AuthenticationError",
}


@pytest.fixture(scope="module", params=["sync", "async"])
def results(request: pytest.FixtureRequest, venue: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What came of every call that ccxt made, as a new guest."""
    venue.http.call("DELETE", "/orders").granted()  # the same book for both
    make_market(venue.http)
    path = configuration("ccxt", venue.url, tmp_path_factory.mktemp("ccxt") / "openbell.py")
    return results_of("ccxt", "ccxt_rest", request.param, str(path))


def test_every_call_that_has_to_succeed_does(results: Results) -> None:
    succeeded = {step: result for step, result in results.items() if step not in NEGATIVE}
    failed = {step: result for step, result in succeeded.items() if isinstance(result, dict) and "raised" in result}
    assert failed == {}
    assert len(succeeded) >= 28


@pytest.mark.parametrize(("step", "error"), NEGATIVE.items())
def test_what_is_refused_is_the_error_that_ccxt_has_for_it(results: Results, step: str, error: str) -> None:
    assert results[step].get("raised") == error, results[step]


def test_the_market_has_our_steps_limits_and_order_types(results: Results) -> None:
    market = results["market"]
    assert (market["id"], market["spot"], market["active"]) == ("BTCUSDT", True, True)
    assert (float(market["precision"]["price"]), float(market["precision"]["amount"])) == (0.01, 1e-8)
    assert {"LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"} <= set(
        market["info"]["orderTypes"]
    )


def test_market_data_are_those_of_the_book(results: Results) -> None:
    assert results["fetch_order_book"]["bids"][0] == [29990.0, results["fetch_order_book"]["bids"][0][1]]
    assert results["fetch_ticker"]["ask"] == results["fetch_order_book"]["asks"][0][0] == 30010.0
    assert results["fetch_ticker"]["last"] == results["fetch_trades"][-1]["price"] == results["fetch_ohlcv"][-1][4]


def test_fees_are_those_of_the_instrument(results: Results) -> None:
    assert (results["fetch_trading_fee"]["maker"], results["fetch_trading_fee"]["taker"]) == (0.0002, 0.0005)


def test_an_order_rests_holds_money_is_replaced_and_cancelled(results: Results) -> None:
    assert (results["limit"]["status"], results["limit"]["clientOrderId"]) == ("open", "mine-1")
    assert results["held"]["USDT"]["used"] - results["fetch_balance"]["USDT"]["used"] >= 14500
    assert results["fetch_order"]["id"] == results["limit"]["id"]
    assert [order["id"] for order in results["fetch_open_orders"]] == [results["limit"]["id"]]
    assert (results["edit_order"]["price"], results["edit_order"]["amount"]) == (28900.0, 0.4)
    assert results["replaced"]["status"] == "canceled"
    assert (results["cancel_order"]["status"], results["cancelled"]["status"]) == ("canceled", "canceled")


def test_market_orders_fill_at_the_prices_of_the_book_and_pay_fees(results: Results) -> None:
    bought = results["market_buy"]
    assert (bought["status"], bought["filled"], bought["average"]) == ("closed", 0.25, 30010.0)
    assert sum(trade["amount"] for trade in bought["trades"]) == 0.25
    assert bought["fees"] != []
    by_cost = results["market_by_cost"]
    assert by_cost["status"] == "closed"
    assert by_cost["cost"] == pytest.approx(300.1, abs=0.01)
    assert results["market_sell"]["average"] == 29990.0
    mine = {trade["order"] for trade in results["fetch_my_trades"]}
    assert {bought["id"], by_cost["id"], results["market_sell"]["id"]} <= mine
    assert [trade["order"] for trade in results["fetch_order_trades"]] == [bought["id"]] * len(bought["trades"])


def test_times_in_force_are_kept(results: Results) -> None:
    assert results["ioc"]["status"] in ("canceled", "expired")
    assert 0 < results["ioc"]["filled"] < 1.5
    assert (results["fok"]["status"], results["fok"]["filled"]) in {("canceled", 0.0), ("expired", 0.0)}


def test_orders_that_wait_for_a_price_are_open_and_are_cancelled_together(results: Results) -> None:
    waiting = (
        "post_only",
        "iceberg",
        "stop_loss",
        "stop_loss_limit",
        "take_profit",
        "take_profit_limit",
        "trailing_stop",
    )
    ids = {results[step]["id"] for step in waiting}
    assert {order["id"] for order in results["waiting"]} == ids
    assert results["none_open"] == []
    assert ids <= {order["id"] for order in results["fetch_canceled_orders"]}
    assert results["market_buy"]["id"] in {order["id"] for order in results["fetch_closed_orders"]}


def test_above_the_limit_requests_are_refused_as_ccxt_knows_it(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", "--profile", "secured", "--rate-limit", "40/minute") as server:
        time.sleep(START_GRACE_S)
        path = configuration("ccxt", server.url, tmp_path / "openbell.py")
        asked = list(results_of("ccxt", "ccxt_rest", "limited", str(path)).values())
    assert 10 < len(asked) < 45
    assert asked[-1]["raised"] == "DDoSProtection"
    assert "429" in asked[-1]["message"]


def test_a_key_of_ed25519_signs_as_well(venue: RunningServer, tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    token = created(venue.http.post("/auth/guest?refresh=body", {}))["token"]
    wanted = {"scopes": ["read", "trade"], "public_key": public}
    key = created(venue.http.call("POST", "/auth/keys", wanted, {"Authorization": f"Bearer {token}"}))
    given = {"OPENBELL_KEY": key["key_id"], "OPENBELL_SECRET": secret}
    path = configuration("ccxt", venue.url, tmp_path / "openbell.py", variables=given)
    results = results_of("ccxt", "ccxt_rest", "signed", str(path))
    assert (results["create_order"].get("status"), results["cancel_order"].get("status")) == ("open", "canceled"), (
        results
    )
