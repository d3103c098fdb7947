"""An order whose fields do not go together is told which, and what to do."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest

from api.orders.field_combinations import amend_combination_sentence, combination_sentence
from engine import amending, rules
from engine.commands import AmendOrder, Deposit, EnterOrder, ListInstrument, OrderOptions
from engine.exchange import Exchange
from engine.rejects import RejectReason
from engine.types import AccountId, Lots, OrderType, PostOnly, Seq, Side, Ticks, TimeInForce
from tests.engine.previews import INSTRUMENT, SYMBOL
from tests.server import Http

ORDERS: list[tuple[dict[str, Any], str, str]] = [
    ({"order_type": "stop"}, "UNSUPPORTED_COMBINATION", "A stop order needs a stop_price."),
    (
        {"order_type": "trailing_stop", "trail_amount": "1", "trail_percent": "1"},
        "UNSUPPORTED_COMBINATION",
        "A trailing_stop order needs one of trail_amount and trail_percent, not both.",
    ),
    (
        {"order_type": "limit", "price": "100", "time_in_force": "gtd"},
        "UNSUPPORTED_COMBINATION",
        "An order with time_in_force gtd needs an expire_time.",
    ),
    (
        {"order_type": "market", "post_only": True},
        "UNSUPPORTED_COMBINATION",
        "A market order has no post_only, which goes with limit orders: leave it out.",
    ),
    (
        {"order_type": "stop", "stop_price": "101", "time_in_force": "ioc"},
        "UNSUPPORTED_COMBINATION",
        "A stop order waits, so its time_in_force is gtc, day or gtd, not ioc.",
    ),
    (
        {"order_type": "oco", "price": "110"},
        "UNSUPPORTED_COMBINATION",
        "An oco order needs a stop_price.",
    ),
    (
        {"order_type": "oco", "price": "110", "stop_price": "100"},
        "BAD_TRIGGER",
        "The price of a buy oco order must be below its stop_price.",
    ),
    (
        {"order_type": "limit", "price": "100", "take_profit": "90", "stop_loss": "110"},
        "BAD_TRIGGER",
        "Exits of a buy order: the take_profit must be above its price, and the stop_loss below both.",
    ),
]


@pytest.mark.parametrize(("fields", "code", "sentence"), ORDERS)
def test_what_is_wrong_is_named_with_what_to_do(
    http: Http, symbol: str, fields: dict[str, Any], code: str, sentence: str
) -> None:
    body = {"symbol": symbol, "side": "buy", "quantity": "1", **fields}
    assert http.post("/order", body).refused(400, code)["error"] == sentence
    assert http.post("/order/test", body).granted()["error"] == sentence


def test_every_combination_that_is_refused_has_its_sentence_and_no_other() -> None:
    rng = random.Random(7)
    options = ["post_only", "display_quantity", "stop_price", "stop_limit_price", "trail_amount", "trail_percent"]
    options += ["expire_ns", "take_profit", "stop_loss", "stop_loss_limit"]
    refused = 0
    for _ in range(20_000):
        given = {name: PostOnly.REJECT if name == "post_only" else 5 for name in options if rng.random() < 0.15}
        command = EnterOrder(
            AccountId(1), "S", rng.choice(list(Side)), rng.choice(list(OrderType)), rng.choice(list(TimeInForce)),
            rng.choice([None, 5, 5]), rng.choice([None, 5]), None, rng.choice([None, None, 5]),
            options=OrderOptions(**given) if given else None,
        )  # fmt: skip
        words = combination_sentence(command, RejectReason.UNSUPPORTED_COMBINATION)
        assert (words is None) is rules._combines(command), (command, words)
        refused += words is not None
    assert 10_000 < refused < 20_000


def test_an_amend_is_told_what_cannot_change(http: Http, symbol: str) -> None:
    for side in ("sell", "buy"):
        http.enter(symbol, side, "1", "100")
    resting = http.enter(symbol, "buy", "1", "90")
    stop = http.enter(symbol, "buy", "1", order_type="stop", stop_price="110")
    trailing = http.enter(symbol, "buy", "1", order_type="trailing_stop", trail_amount="5")
    pair = http.enter(symbol, "buy", "1", "80", order_type="oco", stop_price="120")
    words = [
        (resting, {"stop_price": "95"}, "This order does not wait for a trigger, so it has no stop_price to change"),
        (stop, {"price": "95"}, "A stop order has no price to change"),
        (
            trailing,
            {"stop_price": "95"},
            "The stop_price of a trailing_stop order follows the market and cannot be set",
        ),
        (pair, {"quantity": "0.5"}, "The legs of one-cancels-other do not change while both are open"),
    ]
    for order, change, sentence in words:
        refused = http.call("PATCH", f"/order/{order['order_id']}", change).refused(422, "UNSUPPORTED_COMBINATION")
        assert refused["error"].startswith(sentence)
        (result,) = http.post(
            "/orders/batch", {"orders": [{"op": "amend", "order_id": order["order_id"], **change}]}
        ).granted()["results"]
        assert result["body"]["error"] == refused["error"]


def test_every_amend_that_does_not_fit_its_order_has_its_sentence_and_no_other() -> None:
    exchange, account = Exchange(), AccountId(1)
    orders: list[tuple[OrderType, int | None, OrderOptions | None]] = [
        (OrderType.LIMIT, 99, None),
        (OrderType.STOP, None, OrderOptions(stop_price=Ticks(104))),
        (OrderType.STOP_LIMIT, 105, OrderOptions(stop_price=Ticks(104))),
        (OrderType.TRAILING_STOP, None, OrderOptions(trail_amount=Ticks(3))),
        (OrderType.TAKE_PROFIT, None, OrderOptions(stop_price=Ticks(96))),
        (OrderType.TAKE_PROFIT_LIMIT, 95, OrderOptions(stop_price=Ticks(96))),
        (OrderType.OCO, 98, OrderOptions(stop_price=Ticks(104))),
    ]
    commands = [ListInstrument(INSTRUMENT), Deposit(account, "USD", "1000000"), *(
        EnterOrder(
            account, SYMBOL, Side.BUY, kind, TimeInForce.GTC, Lots(5), None if price is None else Ticks(price),
            options=options,
        ) for kind, price, options in orders
    )]  # fmt: skip
    for seq, command in enumerate(commands, 1):
        exchange.apply(command, Seq(seq), seq)
    assert len(exchange.orders) == 8
    refused = 0
    for order, given in product(exchange.orders.values(), product([None, 3], repeat=3)):
        price, quantity, stop_price = given
        amend = AmendOrder(account, order.order_id, price, quantity, stop_price)
        words = amend_combination_sentence(order, amend)
        assert (words is None) is amending._combines(order, amend), (words, amend)
        refused += words is not None
    assert refused == 4 + 4 + 6 + 4 + 8 + 8
