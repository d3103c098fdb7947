"""The readers of recorded flow, on lines as they are recorded and on broken ones."""

import lzma
from pathlib import Path

import pytest

from tools.archives import RecordError
from tools.recorded import (
    BitstampDepth,
    BitstampOrder,
    BitstampTrade,
    LobsterDepth,
    LobsterMessage,
    MessageType,
    OpeningOrder,
    OrderChange,
    Request,
    bitstamp_opening,
    bitstamp_requests,
    decimal_text,
    read_bitstamp,
    read_lobster_depths,
    read_lobster_messages,
)


def written(folder: Path, text: str) -> Path:
    path = folder / "recorded.csv"
    path.write_text(text)
    return path


def order(change: OrderChange, order_id: int, price: int, leaves: int) -> BitstampOrder:
    return BitstampOrder(0, change, order_id, "buy", price, leaves)


def test_a_lobster_message_is_read_to_the_nanosecond(tmp_path: Path) -> None:
    (message,) = read_lobster_messages(written(tmp_path, "34200.015247805,1,16116658,100,310400,-1\n"))
    assert message == LobsterMessage(34_200_015_247_805, MessageType.NEW_ORDER, 16116658, 100, 310400, "sell")


def test_a_time_that_went_through_a_float_is_rounded_to_the_nanosecond(tmp_path: Path) -> None:
    lines = "35821.088778456004,1,1,1,1,1\n35821.0887784559996,1,1,1,1,1\n1.0000000001,1,1,1,1,1\n"
    times = [message.time_ns for message in read_lobster_messages(written(tmp_path, lines))]
    assert times == [35_821_088_778_456, 35_821_088_778_456, 1_000_000_000]


def test_the_padding_of_a_short_side_is_left_out(tmp_path: Path) -> None:
    (row,) = read_lobster_depths(written(tmp_path, "309900,3788,309500,300,310500,100,-9999999999,0\n"))
    assert row == LobsterDepth([(309900, 3788), (310500, 100)], [(309500, 300)])


def test_a_bitstamp_log_is_read_compressed_and_its_floats_become_what_they_meant(tmp_path: Path) -> None:
    path = tmp_path / "events.log.xz"
    lines = [
        '5 order_created {"price": "236.47", "amount": "2.00000000", "datetime": "1", "id": 7, "order_type": 1}',
        '6 trade {"price": 236.61000000000001, "amount": 1.7885566900000001, "id": 8}',
        '7 order_book {"bids": [["236.47", "0.5"]], "asks": []}',
    ]
    path.write_bytes(lzma.compress("\n".join(lines).encode()))
    assert list(read_bitstamp(path)) == [
        BitstampOrder(5, OrderChange.CREATED, 7, "sell", 23647, 200000000),
        BitstampTrade(6, 8, 23661, 178855669),
        BitstampDepth(7, [], [(23647, 50000000)]),
    ]


@pytest.mark.parametrize(
    "line",
    ["", "1 trade", "1 trade {}", "x trade {}", "1 order_lost {}", '1 order_created {"id": 1}',
     '1 order_created {"price": "1.001", "amount": "1", "id": 7, "order_type": 1}',
     '1 order_created {"price": "NaN", "amount": "1", "id": 7, "order_type": 1}',
     '1 order_created {"price": "one", "amount": "1", "id": 7, "order_type": 1}',
     '1 order_created {"price": "1_0", "amount": "1", "id": 7, "order_type": 1}'],
)  # fmt: skip
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    good = '1 order_book {"bids": [], "asks": []}'
    with pytest.raises(RecordError, match="line 2"):
        list(read_bitstamp(written(tmp_path, f"{good}\n{line}\n{good}\n")))


@pytest.mark.parametrize(
    "line",
    ["1.5,1,2,3,4", "1.5,9,2,3,4,1", "1.5,1,2,3.5,4,1", "1.5,1,2,3,4,0", "1.5,1,2,-3,4,1", "NaN,1,2,3,4,1",
     "1.5,1,2_0,3,4,1", "1.5,1,\u0662,3,4,1", "1.5,1, 2,3,4,1", "1_0.5,1,2,3,4,1", "-1.5,1,2,3,4,1"],
)  # fmt: skip
def test_a_broken_lobster_message_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(RecordError, match="line 1"):
        list(read_lobster_messages(written(tmp_path, line)))


def test_the_opening_is_the_known_orders_behind_what_each_level_shows_beyond_them() -> None:
    records = [
        order(OrderChange.CREATED, 1, 100, 5),
        order(OrderChange.CREATED, 2, 99, 5),
        order(OrderChange.CHANGED, 1, 100, 3),
        order(OrderChange.DELETED, 2, 99, 0),
        BitstampDepth(0, [], [(100, 10), (98, 1)]),
        order(OrderChange.CREATED, 3, 97, 1),
    ]
    earlier = [OpeningOrder(None, "buy", 100, 7), OpeningOrder(None, "buy", 98, 1)]
    assert bitstamp_opening(records) == ([*earlier, OpeningOrder(1, "buy", 100, 3)], 5)


def test_an_order_that_ended_before_its_creation_came_is_not_in_the_opening() -> None:
    records = [
        order(OrderChange.DELETED, 1, 100, 5),
        order(OrderChange.CREATED, 1, 100, 5),
        BitstampDepth(0, [], [(100, 5)]),
    ]
    assert bitstamp_opening(records) == ([OpeningOrder(None, "buy", 100, 5)], 3)


def test_a_cancel_that_is_logged_before_its_creation_is_asked_for_right_behind_it() -> None:
    records = [
        order(OrderChange.DELETED, 1, 100, 5),
        order(OrderChange.CREATED, 2, 100, 5),
        order(OrderChange.CREATED, 1, 100, 5),
    ]
    assert list(bitstamp_requests(records)) == [
        (Request.ENTER, records[1]),
        (Request.ENTER, records[2]),
        (Request.CANCEL, records[0]),
    ]


def test_without_a_depth_there_is_no_opening() -> None:
    with pytest.raises(RecordError):
        bitstamp_opening([order(OrderChange.CREATED, 1, 100, 5)])


def test_fills_are_no_requests_and_a_new_price_is_one() -> None:
    records = [
        order(OrderChange.CREATED, 1, 100, 5),
        order(OrderChange.CHANGED, 1, 100, 3),
        BitstampTrade(0, 9, 100, 2),
        order(OrderChange.CHANGED, 1, 101, 3),
        order(OrderChange.DELETED, 1, 101, 0),
        order(OrderChange.CREATED, 2, 100, 5),
        order(OrderChange.DELETED, 2, 100, 5),
    ]
    assert list(bitstamp_requests(records)) == [
        (Request.ENTER, records[0]),
        (Request.REPRICE, records[3]),
        (Request.ENTER, records[5]),
        (Request.CANCEL, records[6]),
    ]


@pytest.mark.parametrize(
    ("units", "scale", "text"), [(23647, 2, "236.47"), (5, 8, "0.00000005"), (10**10, 8, "100.00000000"), (7, 0, "7")]
)
def test_units_as_decimal_text(units: int, scale: int, text: str) -> None:
    assert decimal_text(units, scale) == text
