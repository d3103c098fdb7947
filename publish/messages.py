"""The messages of every topic: what Documentation/publishing.md describes, field for field.

Prices and quantities are decimals as texts, in the grid of their symbol; ids are texts; names are those of the API.
Each topic is ordered by `seq` and `number` within one key, and a message that is not above the last came before.
Layer: publish. Pure.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

from engine.types import OrderType, PostOnly, Side, TimeInForce
from listings.texts import DecimalText, IdText
from publish.target import Topic

Level = tuple[DecimalText, DecimalText, int]  # price, quantity that stands there now (0: none), orders

OrderEventType = Literal[
    "accepted",
    "triggered",
    "partially_filled",
    "filled",
    "amended",
    "trailed",
    "cancelled",
    "expired",
    "rejected",
]


class Published(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every message has."""

    seq: int  # of the command that caused it; of what is by record: its last command
    number: int  # among the messages of this topic and seq, from 0
    ts_ns: int  # epoch nanoseconds, of the venue
    timestamp: float  # the same in seconds, for readers whose numbers end at 2^53


class TradeMessage(Published, frozen=True, kw_only=True, omit_defaults=True):
    """One match. Key: the symbol."""

    symbol: str
    trade_id: IdText
    price: DecimalText
    quantity: DecimalText
    trade_value: DecimalText
    aggressor_side: Side
    maker_order_id: IdText
    taker_order_id: IdText
    maker_fee: DecimalText  # below zero: a rebate
    taker_fee: DecimalText
    auction: bool = False  # of an auction's uncross: the taker is then the younger order
    self_trade: bool = False  # of one account with itself


class BookMessage(Published, frozen=True, kw_only=True, omit_defaults=True):
    """Levels of one book as one record left them. Key: the symbol."""

    symbol: str
    reset: bool = False  # forget all levels of the symbol: these are all there are
    more: bool = False  # the next message of the symbol has the rest of the same state
    bids: list[Level]
    asks: list[Level]


class OrderMessage(Published, frozen=True, kw_only=True, omit_defaults=True):
    """What happened to one order of one account, or to a command that was refused. Key: the account."""

    account: int
    event_type: OrderEventType
    symbol: str | None = None
    order_id: IdText | None = None
    client_order_id: str | None = None
    side: Side | None = None
    order_type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    quantity: DecimalText | None = None
    price: DecimalText | None = None
    stop_price: DecimalText | None = None
    display_quantity: DecimalText | None = None
    post_only: PostOnly | None = None
    expire_ns: int | None = None
    waiting: bool = False  # for its trigger
    filled: DecimalText | None = None  # so far
    remaining: DecimalText | None = None
    trade_id: IdText | None = None
    fill_price: DecimalText | None = None
    fill_quantity: DecimalText | None = None
    fee: DecimalText | None = None  # of this fill
    fees: DecimalText | None = None  # of all fills of an order that ended
    liquidity: Literal["maker", "taker"] | None = None
    priority: Literal["kept", "lost"] | None = None  # after an amend
    reason: str | None = None  # of a reject or cancel


class RecordMessage(Published, frozen=True, kw_only=True, omit_defaults=True):
    """One record of the journal, as it was sealed. Key: `records`."""

    n: int
    first_seq: int
    count: int
    prev_chain: str  # hexadecimal
    chain: str
    crc32: int
    body: bytes  # in JSON: base64


BY_TOPIC: Final[dict[Topic, type[Published]]] = {
    Topic.TRADES: TradeMessage,
    Topic.BOOK: BookMessage,
    Topic.ORDERS: OrderMessage,
    Topic.RECORDS: RecordMessage,
}


class Message(NamedTuple):
    """One message as the broker gets it."""

    topic: Topic
    key: str
    seq: int
    number: int
    body: bytes  # JSON


_encode: Final = msgspec.json.Encoder().encode


def message(topic: Topic, key: str, content: Published) -> Message:
    """Encode a message. O(bytes)."""
    return Message(topic, key, content.seq, content.number, _encode(content))
