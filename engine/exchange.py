"""The whole venue as one state machine: `Exchange.apply(command, seq, ts_ns) -> events`.

The same commands with the same seqs and times give the same events and the same state,
to the byte, on every machine.
Layer: engine.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from engine import events as ev
from engine.amending import amend, cancel, cancel_all
from engine.book import OrderBook
from engine.commands import (
    AdoptRulebook,
    AdvanceTime,
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    ConfigureAccount,
    Deposit,
    EnterOrder,
    ListInstrument,
    SetStatus,
    StopAccount,
    Withdraw,
    WriterChanged,
)
from engine.entry import enter
from engine.instrument import Instrument
from engine.order import Order
from engine.rejects import InvariantViolation
from engine.state import ExchangeState
from engine.trading_status import advance_time, set_status
from engine.transfers import (
    adopt_rulebook,
    change_writer,
    configure_account,
    deposit,
    list_instrument,
    stop_account,
    withdraw,
)
from engine.types import CHECKED_A_STEP, AccountId, Amount, OrderId, OrderType, Seq

_HANDLERS: dict[type, Callable[..., None]] = {
    EnterOrder: enter,
    CancelOrder: cancel,
    AmendOrder: amend,
    CancelAll: cancel_all,
    AdvanceTime: advance_time,
    ListInstrument: list_instrument,
    SetStatus: set_status,
    Deposit: deposit,
    Withdraw: withdraw,
    ConfigureAccount: configure_account,
    StopAccount: stop_account,
    AdoptRulebook: adopt_rulebook,
    WriterChanged: change_writer,
}


class Exchange(ExchangeState):
    """All symbols and accounts. Changed by `apply` alone; everything else only reads.

    It is its state, and not the owner of one, since whoever reads books, balances or orders would go one step further
    for each of them, and only what reads is added here. What changes the state are functions that are given it.
    """

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
        _HANDLERS[type(command)](self, command, events)
        return events

    # -- what may be read

    def order(self, order_id: OrderId) -> Order | None:
        """An open order, or None. O(1)."""
        return self.orders.get(order_id)

    def order_id_of(self, account: AccountId, client_order_id: str) -> OrderId | None:
        """The order that `account` entered under this id, open or recently done. O(1)."""
        named = self.recent.named(account, client_order_id, self.ts_ns)
        return named[0] if named else None

    def next_due_ns(self) -> int | None:
        """When the next AdvanceTime has something to do, in epoch nanoseconds. O(symbols with a timer)."""
        due = [due for due, _ in self.timers.values()]
        if self.expiries:
            due.append(self.expiries.peekitem(0)[0][0])
        return min(due) if due else None

    def are_due(self, count: int, ts_ns: int) -> bool:
        """Whether more than `count` orders expire by `ts_ns`. O(log orders)."""
        return len(self.expiries) > count and self.expiries.peekitem(count)[0][0] <= ts_ns

    def instrument(self, symbol: str) -> Instrument | None:
        """The instrument listed under `symbol`, or None."""
        book = self.books.get(symbol)
        return None if book is None else book.instrument

    def book(self, symbol: str) -> OrderBook | None:
        """The book of `symbol`, or None."""
        return self.books.get(symbol)

    def check_invariants(self) -> None:
        """Raise InvariantViolation where the state contradicts itself. O(orders): for tests and audits."""
        for _ in self.invariant_steps():
            pass

    def invariant_steps(self) -> Generator[None, None, None]:
        """`check_invariants` in steps, for a loop that others wait for; nothing may be applied in between."""
        found: dict[OrderId, Order] = {}
        for book in self.books.values():
            yield from book.invariant_steps()
            found.update(book.orders)
            found.update((order.order_id, order) for order in book.stops)
            yield
        if found != self.orders:
            raise InvariantViolation("the venue's index and the books disagree")
        yield
        owned = {oid: o for account in self.accounts.values() for oid, o in account.open_orders.items()}
        if owned != self.orders:
            raise InvariantViolation("the accounts' open orders and the books disagree")
        yield
        for account in self.accounts.values():
            if sum(account.open_count.values()) != len(account.open_orders):
                raise InvariantViolation("an account's count of open orders is wrong")
        ends = {oid: o for oid, o in self.orders.items() if o.terms is not None and o.terms.expire_ns is not None}
        if ends != {order.order_id: order for order in self.expiries.values()}:
            raise InvariantViolation("the orders that expire and the clock's list disagree")
        if self.pending:
            raise InvariantViolation("something that a command set off is not finished")
        for number, order in enumerate(self.orders.values()):
            if not number % CHECKED_A_STEP:
                yield
            if order.hold_per_lot != self._expected_hold_per_lot(order):
                raise InvariantViolation(f"order {order.order_id} holds another amount a lot than its price asks for")
        yield from self.ledger.invariant_steps(self.orders.values())

    def _expected_hold_per_lot(self, order: Order) -> Amount:
        """One hold serves both legs of a pair: the limit leg has it."""
        own, sibling = self.own_hold_per_lot(order), order.sibling
        if sibling is None:
            return own
        if sibling.sibling is not order or self.orders.get(sibling.order_id) is not sibling:
            raise InvariantViolation(f"order {order.order_id} is linked to one that is not linked to it")
        return Amount(max(own, self.own_hold_per_lot(sibling))) if order.order_type is OrderType.LIMIT else Amount(0)
