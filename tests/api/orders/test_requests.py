"""JSON to commands, without a server: exact numbers, order ids, and what must not travel."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.feed.requests import Subscription
from api.json.errors import Malformed
from api.json.requests import MAX_ORDER_ID, converted, order_id_of
from api.orders.requests import CancelRequest, OrderRequest, OrdersQuery, cancel_order, enter_order, order_command
from engine.commands import CancelOrder, EnterOrder, ListInstrument
from engine.exchange import Exchange
from engine.types import AccountId, OrderType, TimeInForce
from journal.codec import seal
from tests.listings.instruments import instrument

ACCOUNT = AccountId(1)


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    """An exchange with one symbol, ANY."""
    exchange = Exchange()
    exchange.apply(ListInstrument(instrument("0.01", "0.00000001")), 1, 0)
    return exchange


def body(**fields: Any) -> bytes:
    """A limit order, with the text of numbers as it is given."""
    order = {"symbol": "ANY", "side": "buy", "order_type": "limit", "quantity": "1", "price": "1"} | fields
    return json.dumps(order).encode()


@given(number=st.integers(0, 2 * MAX_ORDER_ID))
def test_an_order_id_is_read_as_it_is_written(number: int) -> None:
    expected = number if 0 < number < MAX_ORDER_ID else 0
    assert order_id_of(str(number)) == expected
    assert order_id_of(number) == expected


@given(text=st.text())
def test_any_text_is_an_order_id_or_none_that_exists(text: str) -> None:
    number = order_id_of(text)
    assert number == 0 or (text.isascii() and text.lstrip("0") == str(number))


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "1e3", "0x1", "1_000", " 1", "1\n", "٣", "½", "9" * 5000, "²"])
def test_what_is_no_order_id_is_that_of_no_order(text: str) -> None:
    assert order_id_of(text) == 0


@given(ticks=st.integers(1, 10**17), lots=st.integers(1, 10**17))
def test_a_number_is_read_as_exactly_as_a_text(exchange: Exchange, ticks: int, lots: int) -> None:
    price, quantity = (Decimal(ticks).scaleb(-2), Decimal(lots).scaleb(-8))
    as_text = enter_order(body(price=f"{price:f}", quantity=f"{quantity:f}"), ACCOUNT, exchange)
    written = body(price="PRICE", quantity="QUANTITY").decode()
    as_number = written.replace('"PRICE"', f"{price:f}").replace('"QUANTITY"', f"{quantity:f}").encode()
    assert enter_order(as_number, ACCOUNT, exchange) == as_text
    assert (as_text.price, as_text.quantity) == (ticks, lots)


@pytest.mark.parametrize(
    ("order_type", "time_in_force", "expected"),
    [
        ("limit", None, (OrderType.LIMIT, TimeInForce.GTC)),
        ("limit", "ioc", (OrderType.LIMIT, TimeInForce.IOC)),
        ("limit", "fok", (OrderType.LIMIT, TimeInForce.FOK)),
        ("ioc", None, (OrderType.LIMIT, TimeInForce.IOC)),
        ("ioc", "ioc", (OrderType.LIMIT, TimeInForce.IOC)),
        ("fok", None, (OrderType.LIMIT, TimeInForce.FOK)),
        ("market", None, (OrderType.LIMIT, TimeInForce.IOC)),  # the body has a price
        ("market", "fok", (OrderType.LIMIT, TimeInForce.FOK)),
        ("market", "gtc", (OrderType.MARKET, TimeInForce.GTC)),
    ],
)
def test_order_types_and_times_in_force(
    exchange: Exchange, order_type: str, time_in_force: str | None, expected: tuple[OrderType, TimeInForce]
) -> None:
    command = enter_order(body(order_type=order_type, time_in_force=time_in_force), ACCOUNT, exchange)
    assert (command.order_type, command.time_in_force) == expected


@pytest.mark.parametrize(("time_in_force", "expected"), [(None, TimeInForce.IOC), ("fok", TimeInForce.FOK)])
def test_a_market_order_without_a_price_is_one(
    exchange: Exchange, time_in_force: str | None, expected: TimeInForce
) -> None:
    command = enter_order(body(order_type="market", price=None, time_in_force=time_in_force), ACCOUNT, exchange)
    assert (command.order_type, command.time_in_force, command.price) == (OrderType.MARKET, expected, None)


def test_what_is_off_the_grid_travels_as_its_text(exchange: Exchange) -> None:
    command = enter_order(body(price="1.005", quantity="0.000000001"), ACCOUNT, exchange)
    assert (command.price, command.quantity) == ("1.005", "0.000000001")


@given(
    symbol=st.text(max_size=40),
    number=st.one_of(st.decimals(), st.floats().map(str), st.integers(-(10**30), 10**400)).map(str),
    name=st.none() | st.text(max_size=70),
)
def test_every_command_that_is_understood_can_be_journaled(
    exchange: Exchange, symbol: str, number: str, name: str | None
) -> None:
    value = {"symbol": symbol, "side": "buy", "order_type": "limit", "price": number, "client_order_id": name}
    for known in (symbol, "ANY"):
        for quantity in (number, "1"):
            order = value | {"symbol": known, "quantity": quantity}
            try:
                request = converted(order, OrderRequest)
                command = order_command(request, ACCOUNT, exchange)
            except Malformed:
                continue
            assert len(seal(1, 0, 1, [command]).body) < 500


@pytest.mark.parametrize("text", ["\ud800", "a\ud800b", "a b", "\x00", "Ä", "x" * 33, ""])
def test_a_symbol_that_cannot_be_one_is_malformed_on_every_way_in(exchange: Exchange, text: str) -> None:
    for kind in (OrderRequest, CancelRequest, Subscription, OrdersQuery):
        fields = {"side": "buy", "order_type": "limit", "type": "bbo", "order_id": "1", "symbol": text}
        known = {name: value for name, value in fields.items() if name in kind.__struct_fields__}
        with pytest.raises(Malformed) as problem:
            converted(known, kind)
        assert (problem.value.code, problem.value.details) == ("INVALID_VALUE", {"field": "symbol"})
        assert problem.value.sentence == "symbol must be 1 to 32 printable ASCII characters without spaces."


def test_an_error_repeats_little_of_what_was_sent(exchange: Exchange) -> None:
    for sent in (body(**{"x" * 100_000: 1}), body(side="x" * 100_000), b'{"' + b"`" * 100_000 + b'":1}'):
        with pytest.raises(Malformed) as problem:
            enter_order(sent, ACCOUNT, exchange)
        assert len(msgspec.json.encode(problem.value.body())) < 500


def test_commands_carry_the_account_that_asked(exchange: Exchange) -> None:
    order = enter_order(body(), AccountId(7), exchange)
    cancel = cancel_order(b'{"order_id": "5", "symbol": "ANY"}', AccountId(7), exchange)
    assert isinstance(order, EnterOrder)
    assert order.account == 7
    assert cancel == CancelOrder(AccountId(7), 5, None, "ANY", by_operator=False)
