"""The whole venue as one state machine: `Exchange.apply(command, seq, ts_ns) -> events`.

The same commands with the same seqs and times give the same events and the same state,
to the byte, on every machine.
Layer: engine.
"""

from __future__ import annotations

from collections.abc import Callable

from engine import events as ev
from engine.accounts import Account, RecentOrders, can_be_configured
from engine.book import OrderBook
from engine.commands import (
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
)
from engine.instrument import FEE_UNIT, Instrument
from engine.ledger import FEE_ACCOUNT, Ledger, hold_per_lot
from engine.matcher import (
    Match,
    Plan,
    accepted,
    apply_matches,
    cancelled,
    completed,
    market_cost,
    plan_entry,
    plan_matches,
    remainder_reason,
)
from engine.order import Order
from engine.rejects import CancelReason, InvariantViolation, RejectReason
from engine.rules import refuse_amend, refuse_entry
from engine.types import AccountId, Amount, Lots, OrderId, Seq, Side, Ticks, TimeInForce, TradingStatus

_TRADING, _REQUESTED = TradingStatus.TRADING, CancelReason.REQUESTED
_BUY, _GTC = Side.BUY, TimeInForce.GTC  # the only one that rests


class Exchange:
    """All symbols and accounts. Changed by `apply` alone; everything else only reads."""

    def __init__(self) -> None:
        self.seq = Seq(0)  # of the last command applied
        self.ts_ns = 0
        self.next_trade_id = 1
        self.books: dict[str, OrderBook] = {}  # in the order of listing
        self.accounts: dict[AccountId, Account] = {}
        self.ledger = Ledger()
        self.recent = RecentOrders()
        self.orders: dict[OrderId, Order] = {}  # every open order of every symbol
        self._handlers: dict[type, Callable[..., None]] = {
            EnterOrder: self._enter,
            CancelOrder: self._cancel,
            AmendOrder: self._amend,
            CancelAll: self._cancel_all,
            ListInstrument: self._list,
            SetStatus: self._set_status,
            Deposit: self._deposit,
            Withdraw: self._withdraw,
            ConfigureAccount: self._configure,
            StopAccount: self._stop_account,
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
        for order in self.orders.values():
            if order.hold_per_lot != self._hold_per_lot(order):
                raise InvariantViolation(f"order {order.order_id} holds another amount a lot than its price asks for")
        self.ledger.check_invariants(self.orders.values())

    # -- commands

    def _list(self, command: ListInstrument, events: list[ev.Event]) -> None:
        instrument = command.instrument
        book = self.books.get(instrument.symbol)
        reason: RejectReason | None = None
        if not all(-FEE_UNIT <= rate <= FEE_UNIT for rate in (instrument.maker_fee, instrument.taker_fee)):
            reason = RejectReason.BAD_CONFIGURATION
        elif (book is not None and not book.instrument.same_grid(instrument)) or not self.ledger.admit(instrument):
            reason = RejectReason.INSTRUMENT_CONFLICT
        if reason is not None:
            events.append(ev.Rejected(FEE_ACCOUNT, instrument.symbol, reason, None, None))
            return
        if book is None:
            self.books[instrument.symbol] = OrderBook(instrument)
        else:
            book.instrument = instrument
        events.append(ev.InstrumentListed(instrument))

    def _set_status(self, command: SetStatus, events: list[ev.Event]) -> None:
        book = self.books.get(command.symbol)
        if book is None:
            events.append(ev.Rejected(FEE_ACCOUNT, command.symbol, RejectReason.UNKNOWN_SYMBOL, None, None))
            return
        book.status = command.status
        events.append(ev.StatusChanged(command.symbol, command.status))

    def _enter(self, command: EnterOrder, events: list[ev.Event]) -> None:
        account, symbol, client_order_id = command.account, command.symbol, command.client_order_id
        book = self.books.get(symbol)
        if book is None:
            events.append(ev.Rejected(account, symbol, RejectReason.UNKNOWN_SYMBOL, None, client_order_id))
            return
        owner = self.accounts.get(account) or self._account(account)
        reason: RejectReason | None = None
        if book.status is not _TRADING:
            reason = RejectReason.SYMBOL_NOT_TRADING
        elif owner.stopped:
            reason = RejectReason.ACCOUNT_STOPPED
        elif client_order_id is not None and (first := self.recent.named(account, client_order_id)) is not None:
            events.append(_repeated(command, client_order_id, *first))
            return
        elif owner.configuration.max_orders_per_second is not None and owner.exceeds_rate(self.ts_ns):
            reason = RejectReason.ORDER_RATE_EXCEEDED
        else:
            reason = refuse_entry(command, book, owner, self.ledger)
        if reason is None:
            plan = plan_entry(command, book)
            order = self._new_order(command, plan, owner, book.instrument)
            hold = order.leaves * order.hold_per_lot
            cost = hold if order.price is not None else market_cost(order, plan.matches, book.instrument)
            if order.pays.available < cost:
                reason = RejectReason.INSUFFICIENT_FUNDS
        if reason is not None:
            events.append(ev.Rejected(account, symbol, reason, None, client_order_id))
            return
        if client_order_id is not None:
            self.recent.name(account, client_order_id, order.order_id, command)
        order.pays.available -= hold
        order.pays.held += hold
        events.append(accepted(order))
        self._execute(order, plan, book, owner, events)

    def _execute(self, order: Order, plan: Plan, book: OrderBook, owner: Account, events: list[ev.Event]) -> None:
        """Trade an accepted order as planned, and rest or end what is left."""
        if plan.matches:
            self._trade(book, order, plan.matches, events)
        if order.leaves == 0 and not plan.left_over and order.quantity > 0:
            events.append(completed(order))
            self.recent.done(order)
            return
        if order.time_in_force is not _GTC:
            reason_left = remainder_reason(order)
            _release(order)
            events.append(cancelled(order, reason_left, rested=False))
            self.recent.done(order)
            return
        book.rest(order)
        book.changed_seq = self.seq
        self.orders[order.order_id] = order
        owner.open_orders[order.order_id] = order
        counts = owner.open_count
        counts[order.symbol] = counts.get(order.symbol, 0) + 1

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
        owner = self.accounts[order.account]
        changed = price != order.price
        reason = refuse_amend(book, owner, self.ledger, order.side, price, quantity, price_changed=changed)
        if reason is None and not isinstance(price, str) and not isinstance(quantity, str):
            reason = self._amend_to(order, book, price, quantity, events)
        if reason is not None:
            events.append(ev.Rejected(order.account, order.symbol, reason, order.order_id, None))

    def _amend_to(
        self, order: Order, book: OrderBook, price: Ticks, quantity: Lots, events: list[ev.Event]
    ) -> RejectReason | None:
        """Change a resting order as the rules allow; the reason when its owner cannot pay for it."""
        leaves = Lots(quantity - order.cum)
        per_lot = hold_per_lot(order.side, price, book.instrument, order.maker_rate, order.taker_rate)
        more = leaves * per_lot - order.leaves * order.hold_per_lot
        if more > order.pays.available:
            return RejectReason.INSUFFICIENT_FUNDS
        order.pays.available -= more
        order.pays.held += more
        order.hold_per_lot = per_lot
        old_price = order.price or price
        kept = price == old_price and quantity <= order.quantity
        if not kept:
            book.remove(order)
            order.leaves, order.quantity, order.price = leaves, quantity, price
        elif quantity < order.quantity:
            book.reduce(order, Lots(order.quantity - quantity))
            order.quantity = quantity
        book.changed_seq = self.seq
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
            return None
        matches, _ = plan_matches(book.opposite(order.side), price, order.leaves)
        if matches:
            self._trade(book, order, matches, events)
        if order.leaves == 0:
            events.append(completed(order))
            self._forget(order)
        else:
            book.rest(order)
        return None

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

    def _deposit(self, command: Deposit, events: list[ev.Event]) -> None:
        account, asset = command.account, command.asset
        reason = self._refuse_transfer(account, asset)
        if reason is None:
            amount = self.ledger.amount(asset, command.amount)
            if amount is None:
                reason = RejectReason.BAD_AMOUNT
            elif command.limit is not None:
                limit = self.ledger.limit(asset, command.limit)
                if self.ledger.balance(account, asset).deposited + amount > limit:
                    reason = RejectReason.DEPOSIT_LIMIT_EXCEEDED
            if reason is None and amount is not None:
                self.ledger.deposit(account, asset, amount)
                events.append(ev.Deposited(account, asset, amount))
        if reason is not None:
            events.append(ev.Rejected(account, None, reason, None, None))

    def _withdraw(self, command: Withdraw, events: list[ev.Event]) -> None:
        account, asset = command.account, command.asset
        reason = self._refuse_transfer(account, asset)
        if reason is None:
            amount = self.ledger.amount(asset, command.amount)
            if amount is None:
                reason = RejectReason.BAD_AMOUNT
            elif not self.ledger.withdraw(account, asset, amount):
                reason = RejectReason.INSUFFICIENT_FUNDS
            else:
                events.append(ev.Withdrawn(account, asset, amount))
        if reason is not None:
            events.append(ev.Rejected(account, None, reason, None, None))

    def _configure(self, command: ConfigureAccount, events: list[ev.Event]) -> None:
        if not can_be_configured(command):
            events.append(ev.Rejected(command.account, None, RejectReason.BAD_CONFIGURATION, None, None))
            return
        self._account(command.account).configuration = command
        events.append(ev.AccountConfigured(command.account, command.tier))

    def _stop_account(self, command: StopAccount, events: list[ev.Event]) -> None:
        owner = self._account(command.account)
        owner.stopped = command.stopped
        events.append(ev.AccountStopped(command.account, command.stopped))
        if command.stopped:
            for order in self.open_orders(command.account):
                self._end_resting(self.books[order.symbol], order, CancelReason.ACCOUNT_STOPPED, events)

    # -- steps

    def _hold_per_lot(self, order: Order) -> Amount:
        instrument = self.books[order.symbol].instrument
        return hold_per_lot(order.side, order.price or Ticks(0), instrument, order.maker_rate, order.taker_rate)

    def _account(self, account: AccountId) -> Account:
        owner = self.accounts.get(account)
        if owner is None:
            owner = self.accounts[account] = Account(account)
        return owner

    def _refuse_transfer(self, account: AccountId, asset: str) -> RejectReason | None:
        if asset not in self.ledger.scales:
            return RejectReason.UNKNOWN_ASSET
        return RejectReason.ACCOUNT_STOPPED if self._account(account).stopped else None

    def _new_order(self, command: EnterOrder, plan: Plan, owner: Account, instrument: Instrument) -> Order:
        """The order that `command` asks for; nothing knows of it yet."""
        wallet = owner.wallets.get(command.symbol)
        if wallet is None:
            assets = instrument.base, instrument.quote
            wallet = self.ledger.balance(command.account, assets[0]), self.ledger.balance(command.account, assets[1])
            owner.wallets[command.symbol] = wallet
        base, quote = wallet
        buys = command.side is _BUY
        own = owner.configuration
        maker_rate = instrument.maker_fee if own.maker_fee is None else own.maker_fee
        taker_rate = instrument.taker_fee if own.taker_fee is None else own.taker_fee
        per_lot = Amount(0)
        if plan.price is not None:
            per_lot = hold_per_lot(command.side, plan.price, instrument, maker_rate, taker_rate)
        return Order(
            OrderId(self.seq),
            command.account,
            command.symbol,
            command.side,
            command.order_type,
            command.time_in_force,
            plan.price,
            plan.quantity,
            plan.quantity,
            command.client_order_id,
            self.ts_ns,
            maker_rate,
            taker_rate,
            quote if buys else base,
            base if buys else quote,
            instrument.quote if buys else instrument.base,
            per_lot,
        )

    def _trade(self, book: OrderBook, taker: Order, matches: list[Match], events: list[ev.Event]) -> None:
        fees = self.ledger.balance(FEE_ACCOUNT, book.instrument.quote)
        for maker in apply_matches(book, taker, matches, self.next_trade_id, events, fees):
            self._forget(maker)
        self.next_trade_id += len(matches)
        book.changed_seq = self.seq

    def _end_resting(self, book: OrderBook, order: Order, reason: CancelReason, events: list[ev.Event]) -> None:
        book.remove(order)
        book.changed_seq = self.seq
        _release(order)
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


def _repeated(command: EnterOrder, client_order_id: str, first: OrderId, asked: EnterOrder) -> ev.Event:
    """What comes of a client order id that was used before, for the same order or for another."""
    if asked == command:
        return ev.Repeated(first, command.account, command.symbol, client_order_id)
    reason = RejectReason.DUPLICATE_CLIENT_ORDER_ID
    return ev.Rejected(command.account, command.symbol, reason, first, client_order_id)


def _release(order: Order) -> None:
    """Give back what an ending order still holds."""
    hold = order.leaves * order.hold_per_lot
    order.pays.held -= hold
    order.pays.available += hold
