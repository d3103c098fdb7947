"""The whole state of an exchange as bytes, and an exchange of such bytes: what a start begins with, and a follower.

Two exchanges of one state give the same bytes, however they came to it: what has an order by itself (queues, orders by
age, what is remembered) is written in that order, everything else sorted. What can be found again is not written: the
indexes, the sums of levels, the balance that an order pays from.
Layer: engine.
"""

from __future__ import annotations

from typing import Final

import msgspec

from engine.accounts import AccountState
from engine.balance import Balance
from engine.book import OrderBook
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.order import Order
from engine.recent import RecentOrders, RememberedState
from engine.rejects import InvariantViolation
from engine.terms import Terms
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderType,
    SelfTradePrevention,
    Seq,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
)

# Raise it with every change below; an older one is read as long as its decoder is kept.
# 2: before what is remembered of an account was written for quick reading (`engine.remembered`)
# 1: before orders were take-profits, and read by the same decoder
FORMAT: Final = 3
OLDEST_FORMAT: Final = 1
QUICK_MEMORIES_SINCE: Final = 3

Wide = int | str  # an amount: MessagePack has no integers beyond 64 bits, so those are decimal texts
_LEAST, _MOST = -(2**63), 2**64 - 1
_ARRAY: Final = 0x90  # MessagePack's first byte of an array of up to 15, less its length
_BUY: Final = Side.BUY


class UnknownFormat(Exception):
    """The state was written in a format that this version does not know. Names it."""


class InvalidState(Exception):
    """The bytes are no state of an exchange."""


class _OrderState(msgspec.Struct, array_like=True, gc=False):
    """An open order."""

    order_id: OrderId
    account: AccountId
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: Ticks | None
    quantity: Lots
    leaves: Lots
    client_order_id: str | None
    entered_ns: int
    maker_rate: int
    taker_rate: int
    hold_per_lot: Wide
    seq: Seq
    prevention: SelfTradePrevention
    terms: Terms | None
    hidden: Lots
    cum: Lots
    quote_cum: Wide
    fees: Wide
    turn: int  # of one that waits for its trigger; 0: it rests
    hold_price: Ticks | None
    high_water: Ticks | None
    sibling: OrderId | None


class _BookState(msgspec.Struct, array_like=True, gc=False):
    """One symbol. The queues are the orders that rest, best price first, oldest first."""

    instrument: Instrument
    status: TradingStatus
    last_price: Ticks | None
    trade_count: int
    changed_seq: int
    band_reference: Ticks | None
    band_set_ns: int | None
    limit_side: Side | None
    limit_since_ns: int
    bids: list[OrderId]
    asks: list[OrderId]
    turns: int  # of stops that ever waited


class _ExchangeState(msgspec.Struct, array_like=True, gc=False):
    """Everything that decides what the exchange does next, and all that it says of itself."""

    format: int
    rulebook: int
    seq: Seq
    ts_ns: int
    next_trade_id: int
    scales: dict[str, int]
    issued: dict[str, Wide]
    balances: list[tuple[AccountId, str, Wide, Wide, Wide]]  # available, held, deposited
    accounts: list[AccountState]
    books: list[_BookState]  # in the order of listing
    orders: list[_OrderState]  # in the order of their entry
    timers: dict[str, tuple[int, TradingStatus]]
    recent: RememberedState


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_ExchangeState).decode
_decode_int: Final = msgspec.msgpack.Decoder(int).decode


def encode_state(exchange: Exchange) -> bytes:
    """The state as bytes. O(open orders + orders that are remembered).

    The exchange must stand between two commands. Raises ValueError for one without accounts, or within a command.
    """
    if not isinstance(exchange.recent, RecentOrders) or exchange.pending:
        raise ValueError("only an exchange with accounts, between two commands, has a state that can be written")
    ledger = exchange.ledger
    return _encode(
        _ExchangeState(
            FORMAT,
            exchange.rulebook,
            exchange.seq,
            exchange.ts_ns,
            exchange.next_trade_id,
            dict(sorted(ledger.scales.items())),
            {asset: _wide(amount) for asset, amount in sorted(ledger.issued.items())},
            [
                (account, asset, _wide(kept.available), _wide(kept.held), _wide(kept.deposited))
                for account, assets in sorted(ledger.accounts.items())
                for asset, kept in sorted(assets.items())
                if kept.available or kept.held or kept.deposited
            ],
            [owner.saved() for _, owner in sorted(exchange.accounts.items())],
            [_saved_book(book) for book in exchange.books.values()],
            [_saved_order(order) for order in exchange.orders.values()],
            dict(sorted(exchange.timers.items())),
            exchange.recent.saved(),
        )
    )


def restore_state(encoded: bytes | memoryview) -> Exchange:
    """An exchange of this state. O(bytes). Raises UnknownFormat and InvalidState."""
    _require_format(encoded)
    try:
        state = _decode(encoded)
        exchange = Exchange(state.rulebook)
        exchange.seq, exchange.ts_ns, exchange.next_trade_id = state.seq, state.ts_ns, state.next_trade_id
        _restore_money(exchange, state)
        for saved in state.accounts:
            exchange.account(saved.account).restore(saved)
        exchange.recent = RecentOrders.restored(state.rulebook, state.recent, older=state.format < QUICK_MEMORIES_SINCE)
        for book in state.books:
            exchange.books[book.instrument.symbol] = _restored_book(book)
        _restore_orders(exchange, state)
        exchange.timers.update(state.timers)
    except (msgspec.DecodeError, LookupError, ValueError, ArithmeticError, InvariantViolation) as problem:
        raise InvalidState(f"it contradicts itself: {problem}") from problem
    return exchange


def _require_format(encoded: bytes | memoryview) -> None:
    """Look at the format alone: everything else may be of another shape."""
    try:  # an array of up to 15 parts has a header of one byte, and the number is one byte below 128
        number = _decode_int(encoded[1:2]) if _ARRAY <= encoded[0] <= _ARRAY + 15 else -1
    except (msgspec.DecodeError, LookupError) as problem:
        raise InvalidState(f"it cannot be decoded: {problem}") from problem
    if number < 0:
        raise InvalidState("it does not begin with its format")
    if not OLDEST_FORMAT <= number <= FORMAT:
        raise UnknownFormat(
            f"the state is of format {number}, and this version knows formats {OLDEST_FORMAT} to {FORMAT}"
        )


def _saved_book(book: OrderBook) -> _BookState:
    band = book.band
    return _BookState(
        book.instrument,
        book.status,
        book.last_price,
        book.trade_count,
        book.changed_seq,
        band.reference,
        band.set_ns,
        band.limit_side,
        band.limit_since_ns,
        [order.order_id for level in book.bids for order in level],
        [order.order_id for level in book.asks for order in level],
        book.stops.turns,
    )


def _saved_order(order: Order) -> _OrderState:
    return _OrderState(
        order.order_id,
        order.account,
        order.symbol,
        order.side,
        order.order_type,
        order.time_in_force,
        order.price,
        order.quantity,
        order.leaves,
        order.client_order_id,
        order.entered_ns,
        order.maker_rate,
        order.taker_rate,
        _wide(order.hold_per_lot),
        order.seq,
        order.prevention,
        order.terms,
        order.hidden,
        order.cum,
        _wide(order.quote_cum),
        _wide(order.fees),
        order.turn if order.waiting else 0,
        order.hold_price,
        order.high_water,
        None if order.sibling is None else order.sibling.order_id,
    )


def _restore_money(exchange: Exchange, state: _ExchangeState) -> None:
    ledger = exchange.ledger
    ledger.scales.update(state.scales)
    ledger.issued.update({asset: int(amount) for asset, amount in state.issued.items()})
    for account, asset, available, held, deposited in state.balances:
        ledger.balance(account, asset).restore(int(available), int(held), int(deposited))


def _restored_book(state: _BookState) -> OrderBook:
    book = OrderBook(state.instrument)
    book.status, book.last_price, book.trade_count = state.status, state.last_price, state.trade_count
    book.changed_seq = state.changed_seq
    band = book.band
    band.refer_to(state.band_reference, state.band_set_ns)
    band.limit_side, band.limit_since_ns = state.limit_side, state.limit_since_ns
    return book


def _restore_orders(exchange: Exchange, state: _ExchangeState) -> None:
    """Enter the open orders into every index, then into queues and stops."""
    orders, books, ledger = exchange.orders, exchange.books, exchange.ledger
    balances: dict[tuple[AccountId, str], tuple[Instrument, Balance, Balance]] = {}
    linked: list[_OrderState] = []
    waiting: dict[str, list[tuple[int, Order]]] = {symbol: [] for symbol in books}
    admit = exchange.admit
    for saved in state.orders:
        key = saved.account, saved.symbol
        found = balances.get(key)
        if found is None:
            instrument = books[saved.symbol].instrument
            exchange.account(saved.account).expect_orders()
            found = balances[key] = (
                instrument,
                ledger.balance(saved.account, instrument.base),
                ledger.balance(saved.account, instrument.quote),
            )
        order = _restored_order(saved, *found)
        admit(order)
        if saved.turn:
            waiting[saved.symbol].append((saved.turn, order))
        if saved.sibling is not None:
            linked.append(saved)
    for saved in linked:
        if saved.sibling is not None:
            orders[saved.order_id].sibling = orders[saved.sibling]
    for book in state.books:
        into = books[book.instrument.symbol]
        into.stops.restore(waiting[book.instrument.symbol], book.turns)
        _restore_queues(exchange, into, book)


def _restored_order(saved: _OrderState, instrument: Instrument, base: Balance, quote: Balance) -> Order:
    buys = saved.side is _BUY
    pays, receives, paid_asset = (quote, base, instrument.quote) if buys else (base, quote, instrument.base)
    order = Order(
        saved.order_id,
        saved.account,
        instrument.symbol,
        saved.side,
        saved.order_type,
        saved.time_in_force,
        saved.price,
        saved.quantity,
        saved.leaves,
        saved.client_order_id,
        saved.entered_ns,
        saved.maker_rate,
        saved.taker_rate,
        pays,
        receives,
        paid_asset,
        _amount(saved.hold_per_lot),
        saved.seq,
        saved.prevention,
        saved.terms,
        saved.hidden,
        saved.cum,
        _amount(saved.quote_cum),
        _amount(saved.fees),
    )
    if saved.hold_price is not None or saved.high_water is not None:
        order.hold_price, order.high_water = saved.hold_price, saved.high_water
    return order


def _restore_queues(exchange: Exchange, book: OrderBook, state: _BookState) -> None:
    orders = exchange.orders
    book.bids.restore(orders[number] for number in state.bids)
    book.asks.restore(orders[number] for number in state.asks)
    for number in sorted([*state.bids, *state.asks]):
        book.orders[number] = orders[number]


def _wide(amount: int) -> Wide:
    return amount if _LEAST <= amount <= _MOST else str(amount)


def _amount(written: Wide) -> Amount:
    return int(written) if written.__class__ is str else written  # type: ignore[return-value] # calling Amount() costs
