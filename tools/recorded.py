"""Readers of recorded order flow: LOBSTER (Nasdaq) and Bitstamp files, plain or xz, as typed records.

Units: LOBSTER prices are ten-thousandths of a dollar and quantities shares; Bitstamp
prices are cents and quantities satoshis (1e-8 BTC). All are whole numbers; `decimal_text`
turns one into the decimal that the wire takes.
A line that is not in its format raises RecordError, which names the line.
Layer: tools. Reads files, knows neither engine nor server.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Final, Literal, TextIO, TypeVar, cast

import msgspec

LOBSTER_PRICE_SCALE: Final = 4  # decimals of a LOBSTER price
BITSTAMP_PRICE_SCALE: Final = 2
BITSTAMP_QUANTITY_SCALE: Final = 8

RecordedSide = Literal["buy", "sell"]
Record = TypeVar("Record")


class RecordError(ValueError):
    """A recorded line is not in its format."""


def decimal_text(units: int, scale: int) -> str:
    """`units` of 10^-scale as exact decimal text: `decimal_text(23647, 2) == "236.47"`."""
    return f"{Decimal(units).scaleb(-scale):f}"


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


def read_lobster_messages(path: Path) -> Iterator[LobsterMessage]:
    """The messages of a LOBSTER message file, in order."""
    return _read(path, _lobster_message)


def read_lobster_depths(path: Path) -> Iterator[LobsterDepth]:
    """The rows of a LOBSTER order book file; row i is the book after message i."""
    return _read(path, _lobster_depth)


def _lobster_message(line: str) -> LobsterMessage:
    time, kind, order_id, shares, price, direction = line.split(",")
    side: RecordedSide = "buy" if int(direction) == 1 else "sell"
    return LobsterMessage(_scaled(time, 9), MessageType(int(kind)), int(order_id), int(shares), int(price), side)


def _lobster_depth(line: str) -> LobsterDepth:
    cells = [int(cell) for cell in line.split(",")]
    if len(cells) % 4:
        raise ValueError(f"{len(cells)} columns are not four a level")
    asks = [(price, shares) for price, shares in zip(cells[0::4], cells[1::4], strict=True) if shares]
    bids = [(price, shares) for price, shares in zip(cells[2::4], cells[3::4], strict=True) if shares]
    return LobsterDepth(asks, bids)


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


_order_body = msgspec.json.Decoder(_OrderBody).decode
_trade_body = msgspec.json.Decoder(_TradeBody).decode
_depth_body = msgspec.json.Decoder(_DepthBody).decode


def read_bitstamp(path: Path) -> Iterator[BitstampRecord]:
    """The records of a Bitstamp event log, in order."""
    return _read(path, _bitstamp_record)


def _bitstamp_record(line: str) -> BitstampRecord:
    time, kind, body = line.split(" ", 2)
    time_ms = int(time)
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
        _scaled(order.price, BITSTAMP_PRICE_SCALE),
        _scaled(order.amount, BITSTAMP_QUANTITY_SCALE),
    )


def _bitstamp_levels(levels: list[tuple[str, str]]) -> list[tuple[int, int]]:
    return [
        (_scaled(price, BITSTAMP_PRICE_SCALE), _scaled(amount, BITSTAMP_QUANTITY_SCALE)) for price, amount in levels
    ]


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
    for record in records[:used]:
        if isinstance(record, BitstampOrder):
            if record.change is OrderChange.DELETED:
                open_orders.pop(record.order_id, None)
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


def bitstamp_requests(records: Iterable[BitstampRecord]) -> Iterator[tuple[Request, BitstampOrder]]:
    """What was asked for in `records`, in order. A change to another price is a request to reprice."""
    prices: dict[int, int] = {}  # cents, of each order seen
    for record in records:
        if not isinstance(record, BitstampOrder):
            continue
        before = prices.get(record.order_id)
        prices[record.order_id] = record.price_cents
        if record.change is OrderChange.CREATED:
            yield Request.ENTER, record
        elif record.is_cancel:
            yield Request.CANCEL, record
        elif record.change is OrderChange.CHANGED and before not in (None, record.price_cents):
            yield Request.REPRICE, record


# -- both


def _read(path: Path, parse: Callable[[str], Record]) -> Iterator[Record]:
    """`parse` of every line of `path`, decompressed when its name ends in .xz."""
    with cast(TextIO, lzma.open(path, "rt") if path.suffix == ".xz" else path.open()) as lines:
        for number, line in enumerate(lines, 1):
            try:
                record = parse(line.rstrip("\n"))
            except (ValueError, InvalidOperation, msgspec.MsgspecError) as error:
                raise RecordError(f"{path.name}, line {number}: {error}") from error
            yield record


def _scaled(number: str | Decimal, scale: int) -> int:
    """A decimal as a whole number of 10^-scale. Raises ValueError when it is none."""
    scaled = Decimal(number).scaleb(scale)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{number} has more than {scale} decimals")
    return int(scaled)


def _rounded(number: Decimal, scale: int) -> int:
    """A decimal that went through a float, as the nearest whole number of 10^-scale."""
    return int(number.scaleb(scale).to_integral_value())
