"""What happened to an account's orders and money -> the events of its user data streams.

    executionReport            one thing that happened to one order
    outboundAccountPosition    the balances that a batch may have changed, as it left them
    balanceUpdate              money that came from outside or left
    listStatus                 a pair, one cancels the other, when it begins and when it is done

Field names are those of the wire; decimals are texts with all places, times epoch milliseconds. What every report of
an order has is read at its event, not at the end of its batch.
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from api.binance.ids import client_order_id
from api.binance.market_tickers import NO_TRADE
from api.binance.numbers import amount_text, asset_text, milliseconds, price_text, quantity_text
from api.binance.order_states import reason_of_leg
from api.binance.order_views import NO_LIST
from api.binance.statuses import BIP, PREVENTION_WORDS, SIDE_WORDS, is_of_pair, status_word, time_word, type_word
from api.binance.symbols import SymbolTable
from api.orders.batch_orders import BatchOrders
from api.orders.states import OrderState
from engine.events import (
    Accepted,
    Amended,
    Cancelled,
    CommandResult,
    Deposited,
    Ended,
    Event,
    Expired,
    Filled,
    Triggered,
    Withdrawn,
)
from engine.exchange import Exchange
from engine.terms import NO_TERMS, Terms
from engine.types import AccountId, OrderId, OrderStatus, entry_of
from loop.turns import in_turns

AT_ONCE: Final = 500  # events of one command whose reports are made without a turn for others
NO_REASON: Final = "NONE"

Addressed = tuple[AccountId, bytes]
Execution = Literal["NEW", "TRADE", "CANCELED", "REPLACED", "EXPIRED"]  # a refusal is in the answer alone

_encode: Final = msgspec.json.Encoder().encode


class ExecutionReport(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One thing that happened to one order."""

    e: Literal["executionReport"] = "executionReport"
    E: int
    s: str
    c: str  # client order id
    S: str
    o: str
    f: str
    q: str
    p: str
    P: str  # stop price
    F: str  # what an iceberg shows
    g: int  # the id of its pair
    C: str  # of a cancel: the client order id of what was cancelled
    x: Execution
    X: str  # the order's status
    r: str  # why it was refused
    i: int
    l: str  # noqa: E741 - a name of the wire: the last fill's quantity
    z: str
    L: str  # the last fill's price
    n: str  # fee of the last fill
    N: str | None
    T: int
    t: int
    v: int | UnsetType = UNSET
    I: int  # noqa: E741 - a name of the wire: the id of what happened
    w: bool  # whether it works: in the book, not waiting for its trigger
    m: bool
    M: bool = False
    O: int  # noqa: E741 - a name of the wire: when it was entered
    Z: str
    Y: str
    Q: str
    W: int | UnsetType = UNSET
    V: str
    d: int | UnsetType = UNSET  # of a trailing stop: how far it trails


class BalanceText(msgspec.Struct, frozen=True, gc=False):
    """One asset: free and locked."""

    a: str
    f: str
    l: str  # noqa: E741 - a name of the wire


class AccountPosition(msgspec.Struct, frozen=True, gc=False):
    """Balances."""

    e: str
    E: int
    u: int
    B: list[BalanceText]


class BalanceUpdate(msgspec.Struct, frozen=True, gc=False):
    """What came or left."""

    e: str
    E: int
    a: str
    d: str
    T: int


class ListedOrder(msgspec.Struct, frozen=True, gc=False):
    """A leg of a pair."""

    s: str
    i: int
    c: str


class ListStatus(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Where a pair is."""

    e: Literal["listStatus"] = "listStatus"
    E: int
    s: str
    g: int
    c: Literal["OCO"] = "OCO"
    l: Literal["EXEC_STARTED", "ALL_DONE"]  # noqa: E741 - a name of the wire
    L: Literal["EXECUTING", "ALL_DONE"]
    r: str = NO_REASON
    C: str
    T: int
    O: list[ListedOrder]  # noqa: E741 - a name of the wire


class _Happened(NamedTuple):
    """What a report says beyond its order."""

    execution: Execution
    status: str
    quantity: int  # of the whole order, in lots
    price: int | None
    filled: int
    quote_filled: int
    works: bool
    fill: Filled | None = None
    maker: bool = False


class Reports:
    """Makes the events of batches."""

    def __init__(self, exchange: Exchange, symbols: SymbolTable, clock: Callable[[], int]) -> None:
        """`clock` gives the venue's time in epoch nanoseconds."""
        self._exchange = exchange
        self._symbols = symbols
        self._clock = clock

    def events_of(
        self, batch: list[CommandResult], is_followed: Callable[[AccountId], bool]
    ) -> dict[AccountId, list[bytes]]:
        """The events of a batch for each account that is followed, in order, as JSON texts. O(events).

        Cooperative where one command caused many events: nothing may be applied meanwhile.
        """
        orders = BatchOrders(batch, self._exchange, is_followed)
        found: dict[AccountId, list[bytes]] = {}
        assets: dict[AccountId, dict[str, None]] = {}
        for applied in batch:
            for event in applied.events if len(applied.events) <= AT_ONCE else in_turns(applied.events):
                for account, text in self._of_event(event, applied, orders):
                    found.setdefault(account, []).append(text)
                for account, asset in self._moved(event):
                    if orders.makes_for(account):
                        assets.setdefault(account, {})[asset] = None
            for account, text in self._of_pairs(applied, orders):
                found.setdefault(account, []).append(text)
        for account, moved in assets.items():
            found.setdefault(account, []).append(self._position(account, moved, batch[-1].ts_ns))
        return found

    def terminated(self, kind: str, **further: str) -> bytes:
        """That a stream ends."""
        return _encode({"e": kind, "E": milliseconds(self._clock()), **further})

    # -- orders

    def _of_event(self, event: Event, applied: CommandResult, orders: BatchOrders) -> list[Addressed]:
        if type(event) is Accepted:
            if not orders.makes_for(event.account):
                return []
            status = OrderStatus.PENDING_TRIGGER if event.waiting else OrderStatus.RESTING
            happened = _Happened("NEW", status_word(status), event.quantity, event.price, 0, 0, not event.waiting)
            return [(event.account, self._accepted(event, applied, happened))]
        if type(event) is Filled:
            return self._of_fill(event, applied, orders)
        if isinstance(event, Cancelled | Expired):
            return self._of_ended(event, applied, orders)
        if type(event) is Amended:
            return self._of_amended(event, applied, orders)
        if type(event) is Triggered:
            return self._of_triggered(event, applied, orders)
        if isinstance(event, Deposited | Withdrawn) and orders.makes_for(event.account):
            amount = event.amount if isinstance(event, Deposited) else -event.amount
            text = asset_text(amount, self._exchange.ledger.scales[event.asset])
            now_ms = milliseconds(self._clock())
            update = BalanceUpdate("balanceUpdate", now_ms, event.asset, text, milliseconds(applied.ts_ns))
            return [(event.account, _encode(update))]
        return []

    def _accepted(self, event: Accepted, applied: CommandResult, happened: _Happened) -> bytes:
        return self._report(
            _OrderView(event.order_id, event.symbol, event, applied.ts_ns), applied, happened, event.terms
        )

    def _of_fill(self, event: Filled, applied: CommandResult, orders: BatchOrders) -> list[Addressed]:
        orders.note_fill(event)
        found = []
        for maker, order_id, account, leaves in (
            (True, event.maker_order_id, event.maker_account, event.maker_leaves),
            (False, event.taker_order_id, event.taker_account, event.taker_leaves),
        ):
            order = orders.get(order_id)
            if order is None or not orders.makes_for(account):
                continue
            filled = orders.filled(order)
            status = OrderStatus.PARTIALLY_FILLED if leaves else OrderStatus.FILLED
            happened = _Happened(
                "TRADE",
                status_word(status),
                filled + leaves,
                orders.price(order),
                filled,
                orders.quote_filled(order),
                bool(leaves),
                event,
                maker,
            )
            found.append((account, self._of_state(order, applied, happened)))
        return found

    def _of_ended(self, event: Cancelled | Expired, applied: CommandResult, orders: BatchOrders) -> list[Addressed]:
        if not orders.makes_for(event.account):
            return []
        if isinstance(event, Expired):
            status = status_word(OrderStatus.EXPIRED)
        else:
            linked = None if event.terms is None else event.terms.linked_to
            other = None if linked is None else orders.get(linked)
            other_reason = other.reason if isinstance(other, Cancelled) else None
            status = status_word(OrderStatus.CANCELLED, reason_of_leg(event.reason, other_reason))
        execution: Execution = "CANCELED" if status == "CANCELED" else "EXPIRED"
        happened = _Happened(execution, status, event.quantity, event.price, event.cum, event.quote_cum, False)
        return [(event.account, self._of_state(event, applied, happened))]

    def _of_amended(self, event: Amended, applied: CommandResult, orders: BatchOrders) -> list[Addressed]:
        orders.amended(event, applied)
        order = orders.get(event.order_id)
        if order is None or not orders.makes_for(event.account):
            return []
        waits = orders.waits(event.order_id)
        filled = event.quantity - event.leaves
        status = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.RESTING
        quote_filled = orders.quote_filled(order)
        happened = _Happened(
            "REPLACED", status_word(status), event.quantity, event.price, filled, quote_filled, not waits
        )
        return [(event.account, self._of_state(order, applied, happened, event.terms))]

    def _of_triggered(self, event: Triggered, applied: CommandResult, orders: BatchOrders) -> list[Addressed]:
        order = orders.get(event.order_id)
        orders.triggered(event)
        if order is None or not orders.makes_for(event.account):
            return []
        filled = orders.filled(order)
        happened = _Happened("NEW", "NEW", order.quantity, event.price, filled, orders.quote_filled(order), True)
        return [(event.account, self._of_state(order, applied, happened))]

    def _of_state(
        self, order: OrderState, applied: CommandResult, happened: _Happened, terms: Terms | None = None
    ) -> bytes:
        view = _OrderView(order.order_id, order.symbol, order, order.entered_ns)
        return self._report(view, applied, happened, terms or order.terms)

    def _report(
        self, order: _OrderView, applied: CommandResult, happened: _Happened, given_terms: Terms | None
    ) -> bytes:
        state, terms, fill = order.fields, given_terms or NO_TERMS, happened.fill
        instrument = self._exchange.books[order.symbol].instrument
        name = client_order_id(order.order_id, state.client_order_id)
        ends = happened.execution in ("CANCELED", "EXPIRED")
        fee = 0 if fill is None else fill.maker_fee if happened.maker else fill.taker_fee
        entered_ms = milliseconds(order.entered_ns)
        return _encode(
            ExecutionReport(
                E=milliseconds(self._clock()),
                s=self._symbols.binance(order.symbol),
                c=name,
                S=SIDE_WORDS[state.side],
                o=type_word(state.order_type, given_terms),
                f=time_word(state.time_in_force, state.order_type),
                q=quantity_text(instrument, happened.quantity),
                p=price_text(instrument, happened.price or 0),
                P=price_text(instrument, terms.stop_price or 0),
                F=quantity_text(instrument, terms.display_quantity or 0),
                g=entry_of(order.order_id) if is_of_pair(given_terms) else NO_LIST,
                C=name if ends else "",
                x=happened.execution,
                X=happened.status,
                r=NO_REASON,
                i=order.order_id,
                l=quantity_text(instrument, 0 if fill is None else fill.quantity),
                z=quantity_text(instrument, happened.filled),
                L=price_text(instrument, 0 if fill is None else fill.price),
                n=amount_text(instrument, fee),
                N=None if fill is None else instrument.quote,
                T=milliseconds(applied.ts_ns),
                t=NO_TRADE if fill is None else fill.trade_id,
                I=applied.seq,
                w=happened.works,
                m=happened.maker,
                O=entered_ms,
                Z=amount_text(instrument, happened.quote_filled),
                Y=amount_text(instrument, 0 if fill is None else fill.notional),
                Q=amount_text(instrument, 0),
                W=entered_ms if happened.works else UNSET,
                V=PREVENTION_WORDS[state.prevention],
                d=UNSET if terms.trail_percent is None else terms.trail_percent // BIP,
            )
        )

    # -- pairs

    def _of_pairs(self, applied: CommandResult, orders: BatchOrders) -> Iterator[Addressed]:
        """Of each pair that a command began or ended, one event."""
        begun: dict[OrderId, Accepted] = {}
        done: dict[OrderId, Ended] = {}
        for event in applied.events:
            if type(event) is Accepted and is_of_pair(event.terms):
                begun[entry_of(event.order_id)] = event
            elif isinstance(event, Ended) and is_of_pair(event.terms):
                done[entry_of(event.order_id)] = event
        for entry, leg in begun.items():
            if orders.makes_for(leg.account):
                yield leg.account, self._pair(entry, leg, applied, orders, done=False)
        for entry, last in done.items():
            other = last.terms.linked_to if last.terms is not None else None
            if orders.makes_for(last.account) and (other is None or self._exchange.order(other) is None):
                yield last.account, self._pair(entry, last, applied, orders, done=True)

    def _pair(
        self, entry: OrderId, leg: Accepted | Ended, applied: CommandResult, orders: BatchOrders, *, done: bool
    ) -> bytes:
        name = self._symbols.binance(leg.symbol)
        ids = (
            [leg.order_id] if leg.terms is None or leg.terms.linked_to is None else [leg.order_id, leg.terms.linked_to]
        )
        legs, list_name = [], client_order_id(entry, None)
        for order_id in sorted(ids):
            order = orders.get(order_id)
            given = leg.client_order_id if order_id == leg.order_id else order.client_order_id if order else None
            legs.append(ListedOrder(name, order_id, client_order_id(order_id, given)))
            if order_id == entry:
                list_name = client_order_id(entry, given)
        return _encode(
            ListStatus(
                E=milliseconds(self._clock()),
                s=name,
                g=entry,
                l="ALL_DONE" if done else "EXEC_STARTED",
                L="ALL_DONE" if done else "EXECUTING",
                C=list_name,
                T=milliseconds(applied.ts_ns),
                O=legs,
            )
        )

    # -- money

    def _moved(self, event: Event) -> Iterator[tuple[AccountId, str]]:
        """Whose balance of what an event may have changed."""
        if isinstance(event, Deposited | Withdrawn):
            yield event.account, event.asset
        elif type(event) is Filled:
            instrument = self._exchange.books[event.symbol].instrument
            for account in (event.maker_account, event.taker_account):
                yield account, instrument.base
                yield account, instrument.quote
        elif isinstance(event, Accepted | Amended | Ended | Triggered):
            instrument = self._exchange.books[event.symbol].instrument
            yield event.account, instrument.base
            yield event.account, instrument.quote

    def _position(self, account: AccountId, assets: dict[str, None], ts_ns: int) -> bytes:
        ledger = self._exchange.ledger
        texts = []
        for asset in assets:
            balance, scale = ledger.peek(account, asset), ledger.scales[asset]
            texts.append(BalanceText(asset, asset_text(balance.available, scale), asset_text(balance.held, scale)))
        now_ms = milliseconds(self._clock())
        return _encode(AccountPosition("outboundAccountPosition", now_ms, milliseconds(ts_ns), texts))


class _OrderView(NamedTuple):
    """An order as its report names it."""

    order_id: OrderId
    symbol: str
    fields: Any  # client_order_id, side, order_type, time_in_force and prevention
    entered_ns: int
