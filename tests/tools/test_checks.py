"""The checks find what is wrong in a doctored answer, and nothing in a right one."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from openbell_client import OrderRequest, Refused
from openbell_client.answers import BboView, BookView, OrderAnswer, OrderView, SymbolFees, SymbolInfo, TradeView
from openbell_client.errors import ErrorBody
from tests.client.samples import sample
from tools.checks import check_bbo, check_book, check_entered, check_looked_up, check_refused, check_repeated

D = Decimal
FEES = sample(SymbolFees, maker_percent=D("0.02"), taker_percent=D("0.05"))
INFO = sample(SymbolInfo, tick_size=D("0.01"), lot_size=D("0.001"), fees=FEES)
ORDER = OrderRequest(
    symbol="BTC-USDT", side="buy", order_type="limit", quantity="3", price="101.00", client_order_id="a-1"
)


def bbo(bid: Decimal | None, ask: Decimal | None) -> BboView:
    return sample(BboView, best_bid=bid, best_ask=ask)


def refused(status: int, code: str) -> Refused:
    return Refused(status, ErrorBody("no", code, {}, "r"))


def trade(number: int, price: str, quantity: str) -> TradeView:
    value = D(price) * D(quantity)
    return sample(
        TradeView,
        symbol="BTC-USDT",
        trade_id=str(number),
        price=D(price),
        quantity=D(quantity),
        aggressor_side="buy",
        maker_order_id=str(number),
        taker_order_id="9",
        maker_fee=value * D("0.0002"),
        taker_fee=value * D("0.0005"),
        trade_value=value,
    )


TRADES = [trade(1, "100.00", "1"), trade(2, "101.00", "1")]
RIGHT = sample(
    OrderAnswer,
    order_id="9",
    client_order_id="a-1",
    status="partially_filled",
    filled_quantity=D(2),
    remaining_quantity=D(1),
    average_price=D("100.50"),
    trades=TRADES,
    total_maker_fees=D("0.0402"),
    total_taker_fees=D("0.1005"),
    bbo=bbo(D(101), D(102)),
)
FOUND = sample(
    OrderView,
    order_id="9",
    client_order_id="a-1",
    symbol="BTC-USDT",
    side="buy",
    order_type="limit",
    quantity=D(3),
    price=D("101.00"),
    remaining=D(1),
    filled=D(2),
    status="partially_filled",
)


def doctored(**fields: Any) -> OrderAnswer:
    return msgspec.structs.replace(RIGHT, **fields)


def with_trade(**fields: Any) -> OrderAnswer:
    """Only the second trade is wrong: the totals are made to agree with it."""
    trades = [TRADES[0], msgspec.structs.replace(TRADES[1], **fields)]
    return doctored(
        trades=trades,
        total_maker_fees=trades[0].maker_fee + trades[1].maker_fee,
        total_taker_fees=trades[0].taker_fee + trades[1].taker_fee,
    )


def test_a_right_answer_passes() -> None:
    assert check_entered(ORDER, RIGHT, INFO) == []


@pytest.mark.parametrize(
    "wrong",
    [
        doctored(filled_quantity=D(3)),
        doctored(remaining_quantity=D(2)),
        doctored(filled_quantity=D(1), remaining_quantity=D(2)),
        doctored(status="filled"),
        doctored(status="resting"),
        doctored(status="cancelled"),
        doctored(average_price=D("100.51")),
        doctored(average_price=None),
        doctored(client_order_id="a-2"),
        doctored(total_maker_fees=D("0.0401")),
        doctored(total_taker_fees=D("0.1006")),
        doctored(bbo=bbo(D(102), D(102))),
        doctored(repeated=True),
        doctored(trades=TRADES[:1]),
        doctored(trades=TRADES[::-1]),
        with_trade(price=D("101.01")),
        with_trade(quantity=D("0.5")),
        with_trade(trade_value=D("100.99")),
        with_trade(maker_fee=D("0.0201")),
        with_trade(taker_fee=D("0.0504")),
        with_trade(taker_fee=D("0.050499")),  # rounded for the payer, by less than the least step
        with_trade(taker_fee=D("0.0606")),
        with_trade(aggressor_side="sell"),
        with_trade(symbol="ETH-USDT"),
        with_trade(taker_order_id="8"),
        with_trade(maker_order_id="9"),
    ],
)
def test_a_doctored_answer_is_found_out(wrong: OrderAnswer) -> None:
    assert check_entered(ORDER, wrong, INFO) != []


@pytest.mark.parametrize("order_type", ["ioc", "market"])
def test_an_immediate_order_may_not_rest_with_what_is_left(order_type: str) -> None:
    order = msgspec.structs.replace(ORDER, order_type=order_type, price=None if order_type == "market" else "101.00")
    assert check_entered(order, RIGHT, INFO) != []
    assert check_entered(order, doctored(status="cancelled"), INFO) == []


def test_a_fill_or_kill_order_may_not_be_filled_in_part() -> None:
    order = msgspec.structs.replace(ORDER, order_type="fok")
    assert check_entered(order, doctored(status="cancelled"), INFO) != []


def test_a_sell_may_trade_above_its_limit_but_not_below() -> None:
    order = OrderRequest(symbol="BTC-USDT", side="sell", order_type="limit", quantity="1", price="100.00")
    sold = [msgspec.structs.replace(trade(1, "100.00", "1"), aggressor_side="sell")]
    fees = {"total_maker_fees": D("0.02"), "total_taker_fees": D("0.05")}
    answer = doctored(
        client_order_id=None,
        status="filled",
        filled_quantity=D(1),
        remaining_quantity=D(0),
        average_price=D(100),
        trades=sold,
        **fees,
    )
    assert check_entered(order, answer, INFO) == []
    assert check_entered(msgspec.structs.replace(order, price="99.00"), answer, INFO) == []
    assert check_entered(msgspec.structs.replace(order, price="100.01"), answer, INFO) != []


def test_a_later_state_of_the_same_order_passes() -> None:
    assert check_looked_up(ORDER, RIGHT, FOUND) == []
    later = msgspec.structs.replace(FOUND, filled=D(3), remaining=D(0), status="filled")
    assert check_looked_up(ORDER, RIGHT, later) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"order_id": "8"},
        {"symbol": "ETH-USDT"},
        {"side": "sell"},
        {"price": D(100)},
        {"quantity": D(4)},
        {"remaining": D(0)},
        {"filled": D(1), "remaining": D(2)},
        {"client_order_id": None},
    ],
)
def test_an_order_that_changed_or_went_back_is_found_out(fields: dict[str, Any]) -> None:
    assert check_looked_up(ORDER, RIGHT, msgspec.structs.replace(FOUND, **fields)) != []


def test_a_done_order_may_not_change() -> None:
    done = doctored(status="cancelled")
    order = msgspec.structs.replace(ORDER, order_type="ioc")
    assert check_looked_up(order, done, msgspec.structs.replace(FOUND, status="cancelled")) == []
    assert check_looked_up(order, done, FOUND) != []


def test_a_repetition_must_be_the_first_order_and_say_so() -> None:
    assert check_repeated(RIGHT, doctored(repeated=True)) == []
    assert check_repeated(RIGHT, RIGHT) != []
    assert check_repeated(RIGHT, doctored(repeated=True, order_id="10")) != []
    assert check_repeated(RIGHT, doctored(repeated=True, filled_quantity=D(1))) != []
    assert check_repeated(RIGHT, refused(409, "DUPLICATE_CLIENT_ORDER_ID")) != []


def book(bids: list[tuple[str, str, int]], asks: list[tuple[str, str, int]]) -> BookView:
    return sample(
        BookView,
        symbol="BTC-USDT",
        bids=[(D(price), D(quantity)) for price, quantity, _ in bids],
        asks=[(D(price), D(quantity)) for price, quantity, _ in asks],
        bid_orders=[orders for _, _, orders in bids],
        ask_orders=[orders for _, _, orders in asks],
    )


def test_a_sorted_uncrossed_book_passes() -> None:
    assert check_book(book([("100", "1", 1), ("99", "2", 2)], [("101", "1", 1), ("102", "1", 1)]), INFO) == []
    assert check_book(book([], []), INFO) == []


@pytest.mark.parametrize(
    "wrong",
    [
        book([("101", "1", 1)], [("101", "1", 1)]),
        book([("102", "1", 1)], [("101", "1", 1)]),
        book([("99", "1", 1), ("100", "1", 1)], []),
        book([], [("102", "1", 1), ("101", "1", 1)]),
        book([("100", "1", 1), ("100", "1", 1)], []),
        book([("100", "0", 1)], []),
        book([("100", "1", 0)], []),
        book([("100.005", "1", 1)], []),
        book([("100", "0.0005", 1)], []),
    ],
)
def test_a_wrong_book_is_found_out(wrong: BookView) -> None:
    assert check_book(wrong, INFO) != []


def test_a_locked_bbo_is_found_out_and_a_one_sided_one_is_not_wrong() -> None:
    assert check_bbo(bbo(D(1), D(1))) != []
    assert check_bbo(bbo(D(1), None)) == []


def test_a_refusal_needs_the_expected_status_and_code() -> None:
    codes = frozenset({"BAD_TICK"})
    assert check_refused(refused(400, "BAD_TICK"), codes) == []
    assert check_refused(refused(500, "BAD_TICK"), codes) != []
    assert check_refused(refused(400, "BAD_LOT"), codes) != []
    assert check_refused(RIGHT, codes) != []
