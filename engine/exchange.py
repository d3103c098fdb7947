"""The whole venue as one state machine: `Exchange.apply(command, seq, ts_ns) -> events`.

The same commands with the same seqs and times give the same events and the same state,
to the byte, on every machine.
Layer: engine.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable

from engine import events as ev
from engine.book import OrderBook
from engine.commands import AmendOrder, CancelAll, CancelOrder, Command, EnterOrder, ListInstrument, SetStatus
from engine.instrument import Instrument
from engine.matcher import (
    Match,
    accepted,
    apply_matches,
    cancelled,
    completed,
    plan_matches,
    plan_spending,
    remainder_reason,
)
from engine.order import Order
from engine.rejects import CancelReason, InvariantViolation, RejectReason
from engine.rules import collar_limit, refuse_amend, refuse_entry
from engine.types import AccountId, Amount, Lots, OrderId, Seq, Ticks, TimeInForce, TradingStatus

RECENT_WINDOW = 200_000  # how many done orders are remembered

_TRADING, _FOK, _REQUESTED = TradingStatus.TRADING, TimeInForce.FOK, CancelReason.REQUESTED


class Account:
    """What the exchange knows of one account: its open orders, and how many in each symbol."""

    __slots__ = ("open_count", "open_orders")

    def __init__(self) -> None:
        self.open_orders: dict[OrderId, Order] = {}  # oldest first
        self.open_count: dict[str, int] = {}


class RecentOrders:
    """The latest `RECENT_WINDOW` done orders, and the client order ids of these and of every open order.

    For idempotency, for cancelling by client order id, and for `too_late`. `chain` digests
    everything that ever went in; with the length it stands for the content.
    """

    __slots__ = ("_done", "_done_queue", "_named", "chain")

    def __init__(self) -> None:
        self._named: dict[tuple[AccountId, str], tuple[OrderId, EnterOrder]] = {}
        self._done: dict[OrderId, tuple[AccountId, str | None]] = {}  # with the client order id
        self._done_queue: deque[OrderId] = deque()
        self.chain = 0

    def __len__(self) -> int:
        return len(self._done_queue)

    def named(self, account: AccountId, client_order_id: str) -> tuple[OrderId, EnterOrder] | None:
        """The order entered under this id, and how it was asked for; None when new or long done."""
        return self._named.get((account, client_order_id))

    def name(self, account: AccountId, client_order_id: str, order_id: OrderId, command: EnterOrder) -> None:
        """Remember the order entered under a client order id. O(1)."""
        self._named[account, client_order_id] = (order_id, command)
        self.chain = zlib.crc32(f"{account}/{order_id}/{client_order_id}".encode(), self.chain)

    def owner_of_done(self, order_id: OrderId) -> AccountId | None:
        """Whose order this was, when it is done and recent."""
        done = self._done.get(order_id)
        return None if done is None else done[0]

    def done(self, order: Order) -> None:
        """Remember that `order` is done, and forget the one that has been done the longest. O(1)."""
        self._done[order.order_id] = (order.account, order.client_order_id)
        self._done_queue.append(order.order_id)
        if len(self._done_queue) > RECENT_WINDOW:
            account, client_order_id = self._done.pop(self._done_queue.popleft())
            if client_order_id is not None:
                del self._named[account, client_order_id]
        self.chain = zlib.crc32(order.order_id.to_bytes(8, "big"), self.chain)


class Exchange:
    """All symbols and accounts. Changed by `apply` alone; everything else only reads."""

    def __init__(self) -> None:
        self.seq = Seq(0)  # of the last command applied
        self.ts_ns = 0
        self.next_trade_id = 1
        self.books: dict[str, OrderBook] = {}  # in the order of listing
        self.accounts: dict[AccountId, Account] = {}
        self.recent = RecentOrders()
        self.orders: dict[OrderId, Order] = {}  # every open order of every symbol
        self._handlers: dict[type, Callable[..., None]] = {
            EnterOrder: self._enter,
            CancelOrder: self._cancel,
            AmendOrder: self._amend,
            CancelAll: self._cancel_all,
            ListInstrument: self._list,
            SetStatus: self._set_status,
        }

    def apply(self, command: Command, seq: Seq, ts_ns: int) -> list[ev.Event]:
        """Carry out `command` and return what happened, in order.

        `seq` must follow the last one; `ts_ns` (epoch nanoseconds) must not go back.
        Raises InvariantViolation when they do, or when the state contradicts itself.
        """
        if seq != self.seq + 1:
            raise InvariantViolation(f"seq {seq} does not follow {self.seq}")
        if ts_ns < self.ts_ns:
            raise InvariantViolation(f"time went back at seq {seq}: {ts_ns} < {self.ts_ns}")
        self.seq, self.ts_ns = seq, ts_ns
        events: list[ev.Event] = []
        self._handlers[type(command)](command, events)
        return events

    # -- what may be read

    def order(self, order_id: OrderId) -> Order | None:
        """An open order, or None. O(1)."""
        return self.orders.get(order_id)

    def open_orders(self, account: AccountId) -> list[Order]:
        """The open orders of `account`, oldest first."""
        known = self.accounts.get(account)
        return list(known.open_orders.values()) if known else []

    def order_id_of(self, account: AccountId, client_order_id: str) -> OrderId | None:
        """The order that `account` entered under this id, open or recently done. O(1)."""
        named = self.recent.named(account, client_order_id)
        return named[0] if named else None

    def check_invariants(self) -> None:
        """Raise InvariantViolation where the state contradicts itself. O(orders): for tests and audits."""
        resting: dict[OrderId, Order] = {}
        for book in self.books.values():
            book.check_invariants()
            resting.update(book.orders)
        if resting != self.orders:
            raise InvariantViolation("the venue's index and the books disagree")
        owned = {oid: o for account in self.accounts.values() for oid, o in account.open_orders.items()}
        if owned != self.orders:
            raise InvariantViolation("the accounts' open orders and the books disagree")
        for account in self.accounts.values():
            if sum(account.open_count.values()) != len(account.open_orders):
                raise InvariantViolation("an account's count of open orders is wrong")

    # -- commands

    def _list(self, command: ListInstrument, events: list[ev.Event]) -> None:
        instrument = command.instrument
        book = self.books.get(instrument.symbol)
        if book is None:
            self.books[instrument.symbol] = OrderBook(instrument)
        elif not book.instrument.same_grid(instrument):
            events.append(ev.Rejected(AccountId(0), instrument.symbol, RejectReason.INSTRUMENT_CONFLICT, None, None))
            return
        else:
            book.instrument = instrument
        events.append(ev.InstrumentListed(instrument))

    def _set_status(self, command: SetStatus, events: list[ev.Event]) -> None:
        book = self.books.get(command.symbol)
        if book is None:
            events.append(ev.Rejected(AccountId(0), command.symbol, RejectReason.UNKNOWN_SYMBOL, None, None))
            return
        book.status = command.status
        events.append(ev.StatusChanged(command.symbol, command.status))

    def _enter(self, command: EnterOrder, events: list[ev.Event]) -> None:
        symbol = command.symbol
        owner = self.accounts.get(command.account)
        if owner is None:
            owner = self.accounts[command.account] = Account()
        book = self._admit(command, owner.open_count.get(symbol, 0), events)
        if book is None:
            return
        order, matches, left_over = self._plan(command, book)
        order_id = order.order_id
        if order.client_order_id is not None:
            self.recent.name(order.account, order.client_order_id, order_id, command)
        events.append(accepted(order))
        if matches:
            self._trade(book, order, matches, events)
        if order.leaves == 0 and not left_over and order.quantity > 0:
            events.append(completed(order))
            self.recent.done(order)
            return
        reason_left = remainder_reason(order)
        if reason_left is not None:
            events.append(cancelled(order, reason_left, rested=False))
            self.recent.done(order)
            return
        book.rest(order)
        book.changed_seq = self.seq
        self.orders[order_id] = order
        owner.open_orders[order_id] = order
        owner.open_count[symbol] = owner.open_count.get(symbol, 0) + 1

    def _admit(self, command: EnterOrder, open_orders: int, events: list[ev.Event]) -> OrderBook | None:
        """The book that `command` may enter; None when it is refused or repeated, and the event says so."""
        account, symbol, client_order_id = command.account, command.symbol, command.client_order_id
        book = self.books.get(symbol)
        first_id: OrderId | None = None
        reason: RejectReason | None
        if book is None:
            reason = RejectReason.UNKNOWN_SYMBOL
        elif book.status is not _TRADING:
            reason = RejectReason.SYMBOL_NOT_TRADING
        elif client_order_id is not None and (first := self.recent.named(account, client_order_id)) is not None:
            first_id, asked = first
            if asked == command:
                events.append(ev.Repeated(first_id, account, symbol, client_order_id))
                return None
            reason = RejectReason.DUPLICATE_CLIENT_ORDER_ID
        else:
            reason = refuse_entry(command, book, open_orders)
        if reason is None:
            return book
        events.append(ev.Rejected(account, symbol, reason, first_id, client_order_id))
        return None

    def _plan(self, command: EnterOrder, book: OrderBook) -> tuple[Order, list[Match], bool]:
        """The order that `command` enters, what it will take, and whether it asks for more than the book can give.

        The last is told only of an order by quote quantity, whose quantity is what it will take.
        """
        price = None if command.price is None else Ticks(int(command.price))  # text was refused as a bad tick
        limit = price if price is not None else collar_limit(book, command.side)
        opposite = book.opposite(command.side)
        matches: list[Match] = []
        left_over = False
        if command.quantity is None:
            budget = Amount(int(command.quote_quantity or 0))
            matches, quantity, left_over = plan_spending(opposite, limit, budget, book.instrument.lot_tick_amount)
        else:
            quantity = Lots(int(command.quantity))
            if command.time_in_force is not _FOK or opposite.available(limit, quantity) == quantity:
                matches, _ = plan_matches(opposite, limit, quantity)
        order = Order(
            OrderId(self.seq),
            command.account,
            command.symbol,
            command.side,
            command.order_type,
            command.time_in_force,
            price,
            quantity,
            quantity,
            command.client_order_id,
            self.ts_ns,
        )
        return order, matches, left_over

    def _amend(self, command: AmendOrder, events: list[ev.Event]) -> None:
        order = self._own_open_order(command.account, command.order_id, None, None, events)
        if order is None or order.price is None:
            return
        book = self.books[order.symbol]
        price = order.price if command.price is None else command.price
        quantity = order.quantity if command.quantity is None else command.quantity
        if not isinstance(quantity, str) and quantity <= order.cum and book.status is _TRADING:
            self._end_resting(book, order, CancelReason.AMENDED_BELOW_FILLED, events)
            return
        reason = refuse_amend(book, order.side, price, quantity, price_changed=price != order.price)
        if reason is not None or isinstance(price, str) or isinstance(quantity, str):
            events.append(
                ev.Rejected(order.account, order.symbol, reason or RejectReason.BAD_TICK, order.order_id, None)
            )
            return
        old_price = order.price
        kept = price == old_price and quantity <= order.quantity
        if kept:
            if quantity < order.quantity:
                book.reduce(order, Lots(order.quantity - quantity))
                order.quantity = quantity
                book.changed_seq = self.seq
        else:
            book.remove(order)
            book.changed_seq = self.seq
            order.leaves = Lots(quantity - order.cum)
            order.quantity = quantity
            order.price = price
        events.append(
            ev.Amended(
                order.order_id,
                order.account,
                order.symbol,
                order.side,
                old_price,
                price,
                quantity,
                order.leaves,
                kept,
            )
        )
        if kept:
            return
        matches, _ = plan_matches(book.opposite(order.side), price, order.leaves)
        if matches:
            self._trade(book, order, matches, events)
        if order.leaves == 0:
            events.append(completed(order))
            self._forget(order)
        else:
            book.rest(order)

    def _cancel(self, command: CancelOrder, events: list[ev.Event]) -> None:
        order = self._own_open_order(command.account, command.order_id, command.client_order_id, command.symbol, events)
        if order is not None:
            self._end_resting(self.books[order.symbol], order, _REQUESTED, events)

    def _cancel_all(self, command: CancelAll, events: list[ev.Event]) -> None:
        for order in self.open_orders(command.account):
            if command.symbol is not None and order.symbol != command.symbol:
                continue
            if command.side is not None and order.side is not command.side:
                continue
            self._end_resting(self.books[order.symbol], order, _REQUESTED, events)

    # -- steps

    def _trade(self, book: OrderBook, taker: Order, matches: list[Match], events: list[ev.Event]) -> None:
        for maker in apply_matches(book, taker, matches, self.next_trade_id, events):
            self._forget(maker)
        self.next_trade_id += len(matches)
        book.changed_seq = self.seq

    def _end_resting(self, book: OrderBook, order: Order, reason: CancelReason, events: list[ev.Event]) -> None:
        book.remove(order)
        book.changed_seq = self.seq
        self._forget(order)
        events.append(cancelled(order, reason, rested=True))

    def _forget(self, order: Order) -> None:
        """Drop an order that was open and is done from the indexes."""
        del self.orders[order.order_id]
        owner = self.accounts[order.account]
        del owner.open_orders[order.order_id]
        owner.open_count[order.symbol] -= 1
        self.recent.done(order)

    def _own_open_order(
        self,
        account: AccountId,
        order_id: OrderId | None,
        client_order_id: str | None,
        symbol: str | None,
        events: list[ev.Event],
    ) -> Order | None:
        """The open order meant, when it is `account`'s; else None and a `Rejected` that gives nothing away."""
        if order_id is None and client_order_id is not None:
            order_id = self.order_id_of(account, client_order_id)
        order = None if order_id is None else self.orders.get(order_id)
        if order is not None and order.account == account and symbol in (None, order.symbol):
            return order
        done = order is None and order_id is not None and self.recent.owner_of_done(order_id) == account
        reason = RejectReason.TOO_LATE if done else RejectReason.UNKNOWN_ORDER
        events.append(ev.Rejected(account, symbol, reason, order_id if done else None, client_order_id))
        return None

    # -- used by the wire to turn decimals into ticks and lots

    def instrument(self, symbol: str) -> Instrument | None:
        """The instrument listed under `symbol`, or None."""
        book = self.books.get(symbol)
        return None if book is None else book.instrument

    def book(self, symbol: str) -> OrderBook | None:
        """The book of `symbol`, or None."""
        return self.books.get(symbol)
