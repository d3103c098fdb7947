"""An ordinary order is the same command whether it is read at once or with care; nothing else is read at once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.json.errors import ApiError, Malformed
from api.json.requests import converted, decoded, parsed
from api.orders import batch
from api.orders.batch import BatchAmend, BatchCancel, BatchCancelAll, BatchEnter, batch_of, batch_of_body
from api.orders.ordinary import FIELDS_IN_BATCH, ordinary_order
from api.orders.requests import (
    OrderRequest,
    amend_command,
    cancel_all_command,
    cancel_command,
    enter_order,
    order_command,
    order_of,
)
from engine.commands import EnterOrder, ListInstrument
from engine.exchange import Exchange
from engine.types import AccountId, PostOnly, SelfTradePrevention, Seq
from tests.listings.instruments import instrument

ACCOUNT = AccountId(7)
FIELDS = OrderRequest.__struct_fields__
PLAIN = {"symbol": "ANY", "side": "buy", "order_type": "limit", "quantity": "0.5", "price": "29000.00"}

Read = Callable[[], Any]


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    """An exchange with two symbols, ANY and odd-1."""
    exchange = Exchange()
    for seq, symbol in enumerate(("ANY", "odd-1"), 1):
        listed = msgspec.structs.replace(instrument("0.25", "0.001"), symbol=symbol)
        exchange.apply(ListInstrument(listed), Seq(seq), 0)
    return exchange


def outcome(read: Read) -> Any:
    """The command, or every word of the error."""
    try:
        return read()
    except ApiError as problem:
        return type(problem), problem.status, problem.code, problem.sentence, problem.details


def carefully(body: bytes, exchange: Exchange) -> EnterOrder:
    """The command of a body, read as a struct with exact decimals."""
    return order_command(decoded(body, OrderRequest), ACCOUNT, exchange)


PLAIN_NUMBERS = ["1", "0.5", "29000.00", "29000.25", "0.001", "0.0010", "007", "00.50", "1." + "0" * 22]
ODD_NUMBERS = [
    "0", "-1", "-0.5", "1e3", "1E-2", "1.5e+2", "0.0001", "1e999999999", "9" * 70, "9" * 20, "0." + "0" * 70, "NaN",
    "nan", "Infinity", "-inf", "1_0", "+1", " 1", "1 ", ".5", "5.", "0x1", "1,5", "", "\u00b2", "\u0663", "\uff11",
]  # fmt: skip
JSON_NUMBERS = [
    "1", "0.5", "29000.00", "29000.25", "5e-1", "1E3", "0", "-0", "-1.5", "0.0", "1e400", "1e-400", "1e999999999999",
    "9" * 18, "9" * 19, "9" * 400, "1." + "0" * 200, "0.30000000000000000000001", "123456789012345678", "1.10",
]  # fmt: skip
WORDS = [
    "buy", "sell", "BUY", "Sell", "limit", "LIMIT", "Market", "market", "ioc", "IOC", "fok", "stop", "stop_limit",
    "oco", "trailing_stop", "take_profit", "gtc", "GTC", "day", "gtd", "none", "NONE", "cancel_newest", "decrement",
    "slide", "SLIDE",
    "ANY", "any", "odd-1", "ODD-1", "name-1", "enter", "ENTER", "cancel", "a b", "x" * 64, "x" * 65, "\u017fell", "",
    "null", "2030-01-31T16:30:00Z",
]  # fmt: skip
LITERALS = ["null", "true", "false", "[]", "{}", "[1]", '{"a":1}', '{"a":1,"a":2}', '"\\u0031"', '"b\\u0075y"']
SENSIBLE = {
    "op": ['"enter"', '"enter"', '"enter"', '"ENTER"', '"cancel"', '"amend"', '"cancel_all"'],
    "symbol": ['"ANY"', '"any"', '"odd-1"', '"NONE"', '"\\u0041NY"'],
    "side": ['"buy"', '"sell"', '"BUY"', '"Sell"'],
    "order_type": [
        '"limit"',
        '"LIMIT"',
        '"market"',
        '"ioc"',
        '"fok"',
        '"stop"',
        '"oco"',
        '"Stop_limit"',
        '"take_profit"',
    ],
    "time_in_force": ["null", '"gtc"', '"ioc"', '"IOC"', '"fok"', '"day"', '"gtd"'],
    "client_order_id": ["null", '"name-1"', '"a:b"', '"\\""', '"\\\\"', '"~!"', '"a b"', '"\\u0041"', "5"],
    "self_trade_prevention": ["null", '"none"', '"cancel_both"', '"CANCEL_BOTH"', '"decrement"'],
    "post_only": ["true", "false", '"slide"', "null", "1", '"SLIDE"'],
    "expire_time": ["null", '"2030-01-31T16:30:00Z"', "1900000000.5", '"1900000000"'],
}
numbers = st.one_of(
    st.sampled_from(PLAIN_NUMBERS),
    st.sampled_from(ODD_NUMBERS),
    st.decimals(0, 10**6, places=3).map(lambda value: f"{value:f}"),
    st.integers(-5, 10**7).map(lambda steps: f"{Decimal(steps) / 4}"),
).map(json.dumps)
json_numbers = st.sampled_from(JSON_NUMBERS)
texts = st.sampled_from(WORDS).map(json.dumps) | st.text(max_size=8).map(json.dumps)
values = st.one_of(numbers, json_numbers, texts, st.sampled_from(LITERALS))
sensible = {name: st.sampled_from(written) for name, written in SENSIBLE.items()}
sensible_numbers = numbers | json_numbers


@st.composite
def bodies(draw: st.DrawFn, more_fields: tuple[str, ...] = ()) -> bytes:
    """Bodies of orders: mostly of fields that are right, some with one that is not, repeated, or no field at all."""
    chosen = ["symbol", "side", "order_type", "quantity", "price"]
    chosen += draw(st.lists(st.sampled_from([*FIELDS, *more_fields]), max_size=4))
    if draw(st.integers(0, 9)) == 0:
        chosen.remove(draw(st.sampled_from(chosen)))
    if draw(st.integers(0, 9)):
        chosen = list(dict.fromkeys(chosen))
    if draw(st.integers(0, 9)) == 0:
        chosen.append(draw(st.sampled_from(["Price", "pric", "op", "", "q:uantity", "symbol "])))
    odd = draw(st.sampled_from([None, None, *chosen]))
    space = draw(st.sampled_from(["", "", " ", "\n\t ", "\r\n"]))
    fields = []
    for name in draw(st.permutations(chosen)):
        value = draw(values if name == odd else sensible.get(name, sensible_numbers))
        fields.append(f'{space}"{name}"{space}:{space}{value}')
    body = "{" + ",".join(fields) + space + "}"
    around = draw(st.sampled_from(["%s"] * 12 + ["\ufeff%s", " %s ", "[%s]", "%s,", "%s%s", "%s\x00", ""]))
    return around.replace("%s", body).encode()


@settings(max_examples=2000, deadline=None)
@given(body=bodies())
def test_any_body_is_the_same_command_or_error_as_when_it_is_read_with_care(exchange: Exchange, body: bytes) -> None:
    assert outcome(lambda: enter_order(body, ACCOUNT, exchange)) == outcome(lambda: carefully(body, exchange))


class Operation(msgspec.Struct):
    """What an element of a batch says it is."""

    op: Literal["enter", "cancel", "amend", "cancel_all"] = "enter"


def element_carefully(body: bytes, exchange: Exchange) -> Any:
    """The command of an element of a batch, read as a struct with exact decimals."""
    value = parsed(body, BatchEnter)
    match converted(value, Operation).op:
        case "enter":
            return order_command(converted(value, BatchEnter), ACCOUNT, exchange)
        case "cancel":
            return cancel_command(converted(value, BatchCancel), ACCOUNT, exchange)
        case "cancel_all":
            return cancel_all_command(converted(value, BatchCancelAll), ACCOUNT, exchange)
    request = converted(value, BatchAmend)
    return amend_command(request, request.order_id, ACCOUNT, exchange)


@settings(max_examples=1000, deadline=None)
@given(body=bodies(more_fields=("op",)))
def test_an_element_of_a_batch_is_the_same_as_when_it_is_read_with_care(exchange: Exchange, body: bytes) -> None:
    try:
        read = batch_of_body(b'{"orders":[' + body + b"]}", ACCOUNT, exchange)
    except Malformed:  # what is no JSON is no batch
        return
    if len(read) == 1:
        assert outcome(lambda: _given(read[0])) == outcome(lambda: element_carefully(body, exchange))


def _given(command: Any) -> Any:
    if isinstance(command, ApiError):
        raise command
    return command


@settings(max_examples=500, deadline=None)
@given(body=bodies())
def test_what_the_feed_parsed_is_the_same_command(exchange: Exchange, body: bytes) -> None:
    try:
        value = parsed(body, OrderRequest)
    except ApiError:
        return

    def read_with_care() -> EnterOrder:
        return order_command(converted(value, OrderRequest), ACCOUNT, exchange)

    before = repr(value)
    assert outcome(lambda: order_of(value, ACCOUNT, exchange)) == outcome(read_with_care)
    assert repr(value) == before


ORDINARY: list[dict[str, Any]] = [
    PLAIN,
    PLAIN | {"quantity": 5, "price": Decimal("29000.25")},
    {"symbol": "odd-1", "side": "SELL", "order_type": "MARKET", "quantity": "7"},
    PLAIN | {"order_type": "ioc", "client_order_id": "a:b~", "self_trade_prevention": "decrement"},
    PLAIN | {"price": None, "order_type": "market", "time_in_force": "fok", "client_order_id": None},
    PLAIN | {"post_only": "slide", "display_quantity": "0.1"},
    PLAIN | {"post_only": False, "take_profit": "30000", "stop_loss": "28000.5", "stop_loss_limit": 27000},
    PLAIN | {"order_type": "oco", "stop_price": "28000", "stop_limit_price": None},
]


@pytest.mark.parametrize("value", ORDINARY)
def test_what_is_ordinary_is_read_at_once(exchange: Exchange, value: dict[str, Any]) -> None:
    command = ordinary_order(value, ACCOUNT, exchange)
    assert command is not None
    assert command == order_command(converted(value, OrderRequest), ACCOUNT, exchange)
    assert ordinary_order(value | {"op": "enter"}, ACCOUNT, exchange) is None
    assert ordinary_order(value | {"op": "enter"}, ACCOUNT, exchange, FIELDS_IN_BATCH) == command


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": "any"},
        {"symbol": ["ANY"]},
        {"side": {}},
        {"order_type": None},
        {"time_in_force": True},
        {"quantity": True},
        {"quantity": 0.5},
        {"quantity": 10**18},
        {"quantity": -1},
        {"quantity": "1e3"},
        {"price": "0.3"},
        {"price": Decimal("NaN")},
        {"client_order_id": "a b"},
        {"client_order_id": 5},
        {"self_trade_prevention": "CANCEL_BOTH"},
        {"self_trade_prevention": False},
        {"post_only": None},
        {"post_only": 1},
        {"expire_time": 5},
        {"quote_quantity": "5"},
        {"trail_percent": "5"},
        {"stop_price": "0.3"},
        {"display_quantity": "0"},
        {"op": "enter"},
        {"Price": "5"},
    ],
)
def test_what_is_not_ordinary_is_left_to_care(exchange: Exchange, change: dict[str, Any]) -> None:
    assert ordinary_order(PLAIN | change, ACCOUNT, exchange) is None


@pytest.mark.parametrize("value", [None, 5, "text", [], [PLAIN], Decimal(1)])
def test_what_is_no_object_is_no_ordinary_order(exchange: Exchange, value: Any) -> None:
    assert ordinary_order(value, ACCOUNT, exchange) is None


def test_options_are_those_that_were_asked_for(exchange: Exchange) -> None:
    command = ordinary_order(
        PLAIN | {"post_only": "slide", "display_quantity": "0.1", "stop_loss": None}, ACCOUNT, exchange
    )
    assert command is not None
    assert command.options is not None
    assert (command.options.post_only, command.options.display_quantity) == (PostOnly.SLIDE, 100)
    assert command.self_trade_prevention is None
    named = ordinary_order(PLAIN | {"self_trade_prevention": "none"}, ACCOUNT, exchange)
    assert named is not None
    assert named.self_trade_prevention is SelfTradePrevention.NONE


def errors_as_values(read: list[Any]) -> list[Any]:
    """What was read of a batch, to be compared."""
    return [(one.code, one.sentence, one.details) if isinstance(one, ApiError) else one for one in read]


def read_both_ways(body: bytes, exchange: Exchange) -> tuple[Any, Any]:
    """A batch as it is read, and as it is read element by element."""

    def read() -> Any:
        return errors_as_values(batch_of_body(body, ACCOUNT, exchange))

    with pytest.MonkeyPatch.context() as patched:
        found = outcome(read)
        patched.setattr(batch, "_plain_orders", lambda _: None)
        return found, outcome(read)


@settings(max_examples=1000, deadline=None)
@given(
    elements=st.lists(bodies(more_fields=("op",)), max_size=4),
    around=st.sampled_from(
        [b'{"orders":[%s]}'] * 5 + [b' {"orders": [%s ] } ', b'{"orders":[%s],"orders":[]}', b"[%s]"]
    ),
)
def test_a_batch_that_is_read_at_once_is_the_same_as_element_by_element(
    exchange: Exchange, elements: list[bytes], around: bytes
) -> None:
    at_once, one_by_one = read_both_ways(around.replace(b"%s", b",".join(elements)), exchange)
    assert at_once == one_by_one


@pytest.mark.parametrize(
    "odd",
    [
        b'{"symbol":"ODD-1","symbol":"ODD-1"}',
        b'{"client_order_id":"}"}',
        b'{"client_order_id":"a:b"}',
        b'{"op":"cancel","order_id":{}}',
        b'{"op":"cancel",' + b" " * 8_192 + b'"order_id":5}',
        b'{"op":"cancel",' + b" " * (8_192 - 30) + b'"order_id":5}',
        b'{"op":"cancel",' + b" " * (8_192 - 28) + b'"order_id":5}',
        b'{"op":"cancel",' + b" " * (8_192 - 27) + b'"order_id":5}',
        b'{"op":"cancel",' + b" " * (8_192 - 26) + b'"order_id":5}',
        b'{"quantity":1e999999999999}',
        b"{}",
        b"5",
    ],
)
def test_one_odd_element_is_answered_as_when_each_is_read_by_itself(exchange: Exchange, odd: bytes) -> None:
    plain = msgspec.json.encode(PLAIN)
    for body in (b'{"orders":[%b,%b,%b]}' % (plain, odd, plain), b'{"orders":[%b]}' % odd):
        at_once, one_by_one = read_both_ways(body, exchange)
        assert at_once == one_by_one


def test_a_short_batch_of_plain_orders_is_read_at_once(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_elements", None)  # which raises where it is called
    body = msgspec.json.encode({"orders": [PLAIN, {"op": "cancel", "order_id": "5"}] * 50})
    assert len(batch_of_body(body, ACCOUNT, exchange)) == 100


def test_a_batch_of_ordinary_and_odd_orders_is_read_element_by_element(exchange: Exchange) -> None:
    chance = random.Random(3)
    values: list[Any] = [
        *ORDINARY,
        {"op": "cancel", "order_id": "5"},
        {"op": "Enter"},
        5,
        PLAIN | {"price": "0.3"},
    ]
    chosen = [chance.choice(values) for _ in range(300)]
    body = msgspec.json.Encoder(decimal_format="number").encode({"orders": chosen})
    from_body, from_data = batch_of_body(body, ACCOUNT, exchange), batch_of({"orders": chosen}, ACCOUNT, exchange)
    for one, other, value in zip(from_body, from_data, chosen, strict=True):
        if isinstance(one, ApiError):
            assert isinstance(other, ApiError)
            assert (one.code, one.sentence, one.details) == (other.code, other.sentence, other.details)
        else:
            assert one == other
            assert isinstance(one, EnterOrder) == ("op" not in value)
