"""Readers of recorded order flow: LOBSTER (Nasdaq) and Bitstamp files, plain or compressed, as typed records.

Units: LOBSTER prices are ten-thousandths of a dollar and quantities shares; Bitstamp
prices are cents and quantities satoshis (1e-8 BTC). All are whole numbers; `decimal_text`
turns one into the decimal that the wire takes.
A line that is not in its format raises RecordError, which names the line.
Layer: tools. Reads files, knows neither engine nor server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Final, Literal, TypeGuard

import msgspec

from listings import numbers
from tools.archives import RecordError, numbered_lines, read_records

LOBSTER_PRICE_SCALE: Final = 4  # decimals of a LOBSTER price
BITSTAMP_PRICE_SCALE: Final = 2
BITSTAMP_QUANTITY_SCALE: Final = 8
TIME_SCALE: Final = 9  # nanoseconds in a second, as a power of ten

RecordedSide = Literal["buy", "sell"]

LARGEST: Final = 100  # greatest power of ten in a number; its least is as far below one

_WHOLES: Final = re.compile(r"-?[0-9]+(,-?[0-9]+)*")


def decimal_text(units: int, scale: int) -> str:
    """`units` of 10^-scale as exact decimal text: `decimal_text(23647, 2) == "236.47"`."""
    return f"{Decimal(units).scaleb(-scale):f}"


def decimal_of(text: str) -> Decimal:
    """A number without a sign, exactly. Raises ValueError when the text is none, or beyond all that is recorded."""
    number = numbers.decimal_of(text)
    if number is None or number.is_signed() or not -LARGEST < number.adjusted() < LARGEST:
        raise ValueError(f"{text!r} is not a number")
    return number


def nanoseconds(seconds: str) -> int:
    """Seconds as whole nanoseconds, to the nearest: `35821.088778456004`, by way of a float, is …456. Raises
    ValueError."""
    return _rounded(decimal_of(seconds), TIME_SCALE)


# -- LOBSTER


class MessageType(IntEnum):
    """What a LOBSTER message says of the visible book."""

    NEW_ORDER = 1  # joins the back of its level
    PARTIAL_CANCEL = 2  # keeps its place
    DELETE = 3
    EXECUTION = 4  # of a visible order
    HIDDEN_EXECUTION = 5  # no visible effect
    CROSS = 6
    HALT = 7


class LobsterMessage(msgspec.Struct, frozen=True):
    """One message; every field but the time is of the *resting* order."""

    time_ns: int  # nanoseconds after midnight
    kind: MessageType
    order_id: int  # 0 where the order is hidden
    shares: int  # entered, taken off, deleted or executed
    price_e4: int  # ten-thousandths of a dollar
    side: RecordedSide


class LobsterDepth(msgspec.Struct, frozen=True):
    """The book after a message: (price in ten-thousandths of a dollar, shares), best first.

    The file pads a short side with levels of no shares; they are left out.
    """

    asks: list[tuple[int, int]]
    bids: list[tuple[int, int]]


_MESSAGE_COLUMNS: Final = 6
_MESSAGE_TYPES: Final = {str(int(kind)): kind for kind in MessageType}


def read_lobster_messages(path: Path, notes: list[str] | None = None) -> Iterator[LobsterMessage]:
    """The messages of a LOBSTER message file, in order; a header row that was left out is added to `notes`."""
    return read_records(path, _lobster_message, _is_header, notes)


def read_lobster_depths(path: Path, notes: list[str] | None = None) -> Iterator[LobsterDepth]:
    """The rows of a LOBSTER order book file; row i is the book after message i. Notes as above."""
    return read_records(path, _lobster_depth, _is_header, notes)


def lobster_levels(path: Path) -> int:
    """How many levels of each side an order book file has, shown or padded. Raises RecordError."""
    first = next(line for _, line in numbered_lines(path))  # a header row has as many columns
    return len(first.split(",")) // 4


def _is_header(line: str) -> bool:
    """Whether a line is made of names: no cell of it is a number, and it has letters."""
    return not re.search(r"(^|,)\s*-?[0-9]", line) and re.search(r"[A-Za-z]", line) is not None and "," in line


def _lobster_message(line: str) -> LobsterMessage:
    cells = line.split(",")
    if len(cells) != _MESSAGE_COLUMNS:
        hint = "; an order book file is named with --book" if len(cells) % 4 == 0 else ""
        raise ValueError(f"{_columns(cells)}, where a message has {_MESSAGE_COLUMNS}{hint}")
    time, kind, *others = cells
    order_id, shares, price, direction = map(_whole, others)
    if kind not in _MESSAGE_TYPES:
        raise ValueError(f"{kind!r} is no type of message, which is a number from 1 to 7")
    if direction not in (1, -1):
        raise ValueError(f"{direction} is no direction, which is 1 (buy) or -1 (sell)")
    if shares < 0:
        raise ValueError(f"{shares} is no number of shares")
    side: RecordedSide = "buy" if direction == 1 else "sell"
    return LobsterMessage(nanoseconds(time), _MESSAGE_TYPES[kind], order_id, shares, price, side)


def _lobster_depth(line: str) -> LobsterDepth:
    if not _WHOLES.fullmatch(line):
        for cell in line.split(","):
            _whole(cell)
    cells = [int(cell) for cell in line.split(",")]
    if len(cells) % 4:
        raise ValueError(f"{_columns(cells)}, where a book has four a level")
    asks = [(price, shares) for price, shares in zip(cells[0::4], cells[1::4], strict=True) if shares]
    bids = [(price, shares) for price, shares in zip(cells[2::4], cells[3::4], strict=True) if shares]
    return LobsterDepth(asks, bids)


def _columns(cells: Sequence[object]) -> str:
    return "1 column" if len(cells) == 1 else f"{len(cells)} columns"


def _whole(cell: str) -> int:
    number = numbers.whole_number(cell)
    if number is None:
        raise ValueError(f"{cell!r} is not a whole number")
    return number


# -- Bitstamp


class OrderChange(StrEnum):
    """What became of an order."""

    CREATED = "order_created"
    CHANGED = "order_changed"  # partly filled
    DELETED = "order_deleted"  # filled when nothing is left, else cancelled


class BitstampOrder(msgspec.Struct, frozen=True):
    """An order was created, partly filled, filled or cancelled."""

    time_ms: int  # epoch milliseconds, when the feed said so
    change: OrderChange
    order_id: int
    side: RecordedSide
    price_cents: int
    leaves_satoshi: int  # still open; of a cancelled order: what was left of it

    @property
    def is_cancel(self) -> bool:
        """Whether the order ended with something left of it."""
        return self.change is OrderChange.DELETED and self.leaves_satoshi > 0


class BitstampTrade(msgspec.Struct, frozen=True):
    """A trade was printed; the feed is asynchronous, so before or after its orders changed."""

    time_ms: int
    trade_id: int
    price_cents: int
    quantity_satoshi: int


class BitstampDepth(msgspec.Struct, frozen=True):
    """The top 20 levels: (price in cents, quantity in satoshis), best first."""

    time_ms: int
    asks: list[tuple[int, int]]
    bids: list[tuple[int, int]]


BitstampRecord = BitstampOrder | BitstampTrade | BitstampDepth


class _OrderBody(msgspec.Struct):
    id: int
    price: str
    amount: str
    order_type: Literal[0, 1]


class _TradeBody(msgspec.Struct):
    id: int
    price: Decimal  # both printed by way of a float: 1.7885566900000001
    amount: Decimal


class _DepthBody(msgspec.Struct):
    asks: list[tuple[str, str]]
    bids: list[tuple[str, str]]


_LOG_KINDS: Final = (*(change.value for change in OrderChange), "trade", "order_book")
_order_body = msgspec.json.Decoder(_OrderBody).decode
_trade_body = msgspec.json.Decoder(_TradeBody).decode
_depth_body = msgspec.json.Decoder(_DepthBody).decode


def read_bitstamp(path: Path, notes: list[str] | None = None) -> Iterator[BitstampRecord]:
    """The records of a Bitstamp event log, in order; a header row that was left out is added to `notes`."""
    return read_records(path, _bitstamp_record, _is_log_header, notes)


def _is_log_header(line: str) -> bool:
    return re.search(r"[0-9{]", line) is None


def _bitstamp_record(line: str) -> BitstampRecord:
    parts = line.split(" ", 2)
    if len(parts) != 3:
        raise ValueError("a record is milliseconds, a kind and JSON, with a space between them")
    time, kind, body = parts
    time_ms = _whole(time)
    if kind not in _LOG_KINDS:
        raise ValueError(f"{kind!r} is no kind of record; there are {', '.join(_LOG_KINDS)}")
    try:
        return _bitstamp_body(time_ms, kind, body)
    except msgspec.MsgspecError as error:
        raise ValueError(f"the JSON of {kind} is not as it should be: {error}") from error


def _bitstamp_body(time_ms: int, kind: str, body: str) -> BitstampRecord:
    if kind == "trade":
        trade = _trade_body(body)
        return BitstampTrade(
            time_ms,
            trade.id,
            _rounded(trade.price, BITSTAMP_PRICE_SCALE),
            _rounded(trade.amount, BITSTAMP_QUANTITY_SCALE),
        )
    if kind == "order_book":
        depth = _depth_body(body)
        return BitstampDepth(time_ms, _bitstamp_levels(depth.asks), _bitstamp_levels(depth.bids))
    order = _order_body(body)
    return BitstampOrder(
        time_ms,
        OrderChange(kind),
        order.id,
        "sell" if order.order_type else "buy",
        scaled(order.price, BITSTAMP_PRICE_SCALE),
        scaled(order.amount, BITSTAMP_QUANTITY_SCALE),
    )


def _bitstamp_levels(levels: list[tuple[str, str]]) -> list[tuple[int, int]]:
    return [(scaled(price, BITSTAMP_PRICE_SCALE), scaled(amount, BITSTAMP_QUANTITY_SCALE)) for price, amount in levels]


# -- what Bitstamp's traders asked for


class OpeningOrder(msgspec.Struct, frozen=True):
    """An order that rested when the first depth was shown."""

    order_id: int | None  # None: whatever a level shows beyond the known orders, as one earlier order
    side: RecordedSide
    price_cents: int
    quantity_satoshi: int


class Request(StrEnum):
    """What the owner of an order asked for; fills are not asked for, so no record of one is a request."""

    ENTER = "enter"
    REPRICE = "reprice"  # to the record's price
    CANCEL = "cancel"


def bitstamp_opening(records: Sequence[BitstampRecord]) -> tuple[list[OpeningOrder], int]:
    """The orders of the first depth, in queue order, and how many records that uses up.

    A known order is one created before that depth and still open in it. Raises RecordError
    when there is no depth.
    """
    used = next((n for n, record in enumerate(records, 1) if isinstance(record, BitstampDepth)), 0)
    depth = records[used - 1] if used else None
    if not isinstance(depth, BitstampDepth):
        raise RecordError("no depth is recorded: nothing to start from")
    open_orders: dict[int, BitstampOrder] = {}
    ended: set[int] = set()  # also before the record of their creation came
    for record in records[:used]:
        if isinstance(record, BitstampOrder):
            if record.change is OrderChange.DELETED:
                open_orders.pop(record.order_id, None)
                ended.add(record.order_id)
            elif record.order_id in ended:
                continue
            elif record.change is OrderChange.CREATED or record.order_id in open_orders:
                open_orders[record.order_id] = record
    known = [
        OpeningOrder(order.order_id, order.side, order.price_cents, order.leaves_satoshi)
        for order in open_orders.values()
    ]
    opening: list[OpeningOrder] = []
    sides: tuple[tuple[RecordedSide, list[tuple[int, int]]], ...] = (("buy", depth.bids), ("sell", depth.asks))
    for side, levels in sides:
        for price, shown in levels:
            unknown = shown - sum(o.quantity_satoshi for o in known if (o.side, o.price_cents) == (side, price))
            if unknown > 0:
                opening.append(OpeningOrder(None, side, price, unknown))
    return opening + known, used


def bitstamp_requests(records: Sequence[BitstampRecord]) -> Iterator[tuple[Request, BitstampOrder]]:
    """What was asked for in `records`, in order. A change to another price is a request to reprice.

    The feed logs a cancel now and then before the order's creation: the cancel is asked for right
    behind the creation then, so that no order stays that its owner withdrew.
    """
    created = {r.order_id: n for n, r in enumerate(records) if _is_order(r, OrderChange.CREATED)}
    cancelled: dict[int, BitstampOrder] = {}  # whose creation is still to come
    prices: dict[int, int] = {}  # cents, of each order seen
    for number, record in enumerate(records):
        if not isinstance(record, BitstampOrder):
            continue
        before = prices.get(record.order_id)
        prices[record.order_id] = record.price_cents
        if record.change is OrderChange.CREATED:
            yield Request.ENTER, record
            if record.order_id in cancelled:
                yield Request.CANCEL, cancelled.pop(record.order_id)
        elif created.get(record.order_id, number) > number:
            if record.is_cancel:
                cancelled[record.order_id] = record
        elif record.is_cancel:
            yield Request.CANCEL, record
        elif record.change is OrderChange.CHANGED and before not in (None, record.price_cents):
            yield Request.REPRICE, record


def _is_order(record: BitstampRecord, change: OrderChange) -> TypeGuard[BitstampOrder]:
    return isinstance(record, BitstampOrder) and record.change is change


# -- both


def scaled(number: str, scale: int) -> int:
    """A decimal without a sign as a whole number of 10^-scale. Raises ValueError when it is none."""
    units = decimal_of(number).scaleb(scale)
    if units != units.to_integral_value():
        raise ValueError(f"{number} has more than {scale} decimals")
    return int(units)


def _rounded(number: Decimal, scale: int) -> int:
    """A decimal that went through a float, as the nearest whole number of 10^-scale. Raises ValueError for NaN."""
    if not number.is_finite():
        raise ValueError(f"{number} is not a number")
    return int(number.scaleb(scale).to_integral_value(ROUND_HALF_EVEN))
