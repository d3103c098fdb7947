"""A refusal says what to do about it, and names the figures that it went by, as they were just then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.access.cast import Person, guest, operator, with_operator
from tests.api.clients import FeedClient
from tests.server import Answer, RunningServer

BUY = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "1", "price": "30000.00"}
SELL = BUY | {"side": "sell"}
MARKET = {"symbol": "BTC-USDT", "side": "buy", "order_type": "market"}
OF_THE_REQUEST = ("symbol", "seq", "order_id", "client_order_id")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with an operator, on which this module trades alone."""
    with with_operator(tmp_path_factory.mktemp("refused") / "data") as running:
        running.http.enter("BTC-USDT", "buy", "1", "29990.00")
        running.http.enter("BTC-USDT", "sell", "1", "30010.00")
        yield running


@pytest.fixture(scope="module")
def boss(server: RunningServer) -> Person:
    """The operator."""
    return operator(server.http)


@pytest.fixture
def poor(server: RunningServer) -> Person:
    """A guest, with 100,000 USDT and 100 BTC."""
    return guest(server.http)


def error_of(answer: Answer) -> tuple[str, str, dict[str, Any]]:
    """The code, the sentence and the details of a refusal, without those of any."""
    body = answer.error()
    details = {name: value for name, value in body["details"].items() if name not in OF_THE_REQUEST}
    return body["error_code"], body["error"], details


@pytest.mark.parametrize(
    ("order", "sentence", "field", "step"),
    [
        (
            MARKET | {"quote_quantity": "0.12345678901"},
            "quote_quantity must be a multiple of 0.0000000001, the smallest unit of USDT, and 0.12345678901 is not.",
            "quote_quantity",
            "0.0000000001",
        ),
        (
            BUY | {"quantity": "0.123456789"},
            "quantity must be a multiple of 0.00000001, the lot size, and 0.123456789 is not.",
            "quantity",
            "0.00000001",
        ),
        (
            BUY | {"display_quantity": "0.123456789"},
            "display_quantity must be a multiple of 0.00000001, the lot size, and 0.123456789 is not.",
            "display_quantity",
            "0.00000001",
        ),
        (
            BUY | {"price": "30000.001"},
            "price must be a multiple of 0.01, the tick size, and 30000.001 is not.",
            "price",
            "0.01",
        ),
        (
            BUY | {"order_type": "stop_limit", "stop_price": "29000.005"},
            "stop_price must be a multiple of 0.01, the tick size, and 29000.005 is not.",
            "stop_price",
            "0.01",
        ),
        (
            {**MARKET, "order_type": "trailing_stop", "quantity": "1", "trail_percent": "0.00001"},
            "trail_percent must be a multiple of 0.0001, a ten-thousandth of a percent, and 0.00001 is not.",
            "trail_percent",
            "0.0001",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isidentifier() else "",
)
def test_a_value_off_its_grid_is_named_with_its_own_step(
    server: RunningServer, order: dict[str, Any], sentence: str, field: str, step: str
) -> None:
    _, said, details = error_of(server.http.post("/order", order))
    assert said == sentence
    assert (details["field"], details["step"]) == (field, step)
    assert server.http.post("/order/test", order).granted()["error"] == sentence


def test_an_amend_off_the_grid_names_its_field_too(server: RunningServer) -> None:
    order_id = server.http.enter("ETH-USDT", "buy", "1", "1900.00")["order_id"]
    _, said, details = error_of(server.http.call("PATCH", f"/order/{order_id}", {"quantity": "1.0000001"}))
    assert said == "quantity must be a multiple of 0.000001, the lot size, and 1.0000001 is not."
    assert details["field"] == "quantity"


def test_a_market_order_without_a_quantity_is_told_of_both_ways_to_say_it(server: RunningServer) -> None:
    _, said, _ = error_of(server.http.post("/order", MARKET))
    assert (
        said == "A market order needs a quantity, or a quote_quantity: how much of the quote asset to spend or receive."
    )


@pytest.mark.parametrize(
    ("order", "sentence", "details"),
    [
        (
            BUY | {"price": "33011.01"},
            "The price is too far from the market: at most 33011.00 for a buy, since the collar is 10 % "
            "from the reference price 30010.00.",
            {"reference_price": "30010.00", "limit_price": "33011.00", "collar_percent": "10"},
        ),
        (
            SELL | {"price": "26990.99"},
            "The price is too far from the market: at least 26991.00 for a sell, since the collar is 10 % "
            "from the reference price 29990.00.",
            {"reference_price": "29990.00", "limit_price": "26991.00", "collar_percent": "10"},
        ),
        (
            BUY | {"price": "30010.00", "post_only": True},
            "The order is post-only and would take: the best offer is 30010.00. Price it below that, or enter it with "
            'post_only "slide" to have it one tick below.',
            {"best_ask": "30010.00"},
        ),
        (
            SELL | {"price": "29990.00", "post_only": True},
            "The order is post-only and would take: the best bid is 29990.00. Price it above that, or enter it with "
            'post_only "slide" to have it one tick above.',
            {"best_bid": "29990.00"},
        ),
    ],
)
def test_what_the_book_refuses_names_the_prices(
    server: RunningServer, order: dict[str, Any], sentence: str, details: dict[str, Any]
) -> None:
    _, said, figures = error_of(server.http.post("/order", order))
    assert (said, figures) == (sentence, details)
    tested = server.http.post("/order/test", order).granted()
    assert tested["error"] == sentence
    (result,) = server.http.post("/orders/batch", {"orders": [order]}).granted()["results"]
    assert result["body"]["error"] == sentence
    client = FeedClient(server.url)
    assert client.call("order", order)["error"] == sentence
    client.close()


@pytest.mark.parametrize(
    ("order", "asset", "needed", "available"),
    [
        (BUY | {"quantity": "4", "price": "29000.00"}, "USDT", "116058", "100000"),  # taker's fee of 5 basis points
        (SELL | {"quantity": "100.00000001", "price": "30020.00"}, "BTC", "100.00000001", "100"),
        (
            {**MARKET, "order_type": "stop", "quantity": "4", "stop_price": "31000.00"},
            "USDT",
            "136468.2",  # the stop price and the width of the collar
            "100000",
        ),
        (
            SELL | {"order_type": "oco", "quantity": "101", "price": "31000.00", "stop_price": "29000.00"},
            "BTC",
            "101",
            "100",
        ),
    ],
)
def test_too_little_money_is_told_with_what_is_needed_and_what_is_there(
    server: RunningServer, poor: Person, order: dict[str, Any], asset: str, needed: str, available: str
) -> None:
    code, said, details = error_of(server.http.call("POST", "/order", order, poor.bearer))
    assert code == "INSUFFICIENT_FUNDS"
    assert said == f"This needs {needed} {asset}, and you have {available} available."
    assert details == {"asset": asset, "needed": needed, "available": available}
    assert server.http.call("POST", "/order/test", order, poor.bearer).granted()["details"].items() >= details.items()


def test_in_a_batch_the_figures_are_those_of_the_moment_and_not_of_the_end(server: RunningServer, poor: Person) -> None:
    orders = [BUY | {"quantity": quantity, "price": "28000.00"} for quantity in ("1", "3", "2")]
    results = server.http.call("POST", "/orders/batch", {"orders": orders}, poor.bearer).granted()["results"]
    assert [result["status"] for result in results] == [200, 400, 200]
    assert results[1]["body"]["details"]["available"] == "71986"
    order_id = results[0]["body"]["order_id"]
    amended = server.http.call("PATCH", f"/order/{order_id}", {"quantity": "5"}, poor.bearer)
    code, said, details = error_of(amended)
    assert (code, details) == ("INSUFFICIENT_FUNDS", {"asset": "USDT", "available": "15958"})
    assert said == "This needs more USDT than the 15958 that you have available."


def test_a_symbol_that_takes_no_such_order_says_in_which_status_it_is(server: RunningServer, boss: Person) -> None:
    order = {"symbol": "AAPL-USD", "side": "buy", "order_type": "ioc", "quantity": "1", "price": "190.00"}
    path = "/admin/symbols/AAPL-USD/{}"
    for action, status in (("halt", "halted"), ("close", "closed"), ("pre_open", "pre_open"), ("auction", "auction")):
        server.http.call("POST", path.format(action), None, boss.bearer).granted()
        code, said, details = error_of(server.http.post("/order", order))
        assert (code, details) == ("SYMBOL_NOT_TRADING", {"status": status})
        if status in ("halted", "closed"):
            assert said.startswith(f"AAPL-USD is {status}: it takes no orders until that changes")
        else:
            assert said.startswith(f"AAPL-USD gathers orders for an auction just now (its status is {status})")
        assert server.http.post("/order/test", order).granted()["error"] == said
    server.http.call("POST", path.format("resume"), None, boss.bearer).granted()
