"""An order whose fields do not go together is told which, and what to do."""

from __future__ import annotations

import random
from typing import Any

import pytest

from api.mismatch import sentence_about
from engine import rules
from engine.commands import EnterOrder, OrderOptions
from engine.rejects import RejectReason
from engine.types import AccountId, OrderType, PostOnly, Side, TimeInForce
from tests.api.running import Http

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
        told = sentence_about(command, RejectReason.UNSUPPORTED_COMBINATION)
        assert (told is None) is rules._combines(command), (command, told)
        refused += told is not None
    assert 10_000 < refused < 20_000
