"""The state of the whole venue, and the small steps that every command is made of.

Layer: engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from sortedcontainers import SortedDict

from engine import events as ev
from engine.accounts import Account, Means, means_of
from engine.book import OrderBook
from engine.fees import hold_per_lot
from engine.instrument import Instrument
from engine.ledger import Ledger, NoLedger
from engine.open_names import OpenNames
from engine.order import Order
from engine.order_events import cancelled, expired
from engine.recent import RecentOrders
from engine.rejects import CancelReason
from engine.rulebook import FIRST_EDITION
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

_BUY, _MARKET = Side.BUY, OrderType.MARKET
_NOTHING = Amount(0)


class ExchangeState:
    """All symbols and accounts, and what a command has set off but not yet finished."""

    def __init__(self, rulebook: int = FIRST_EDITION, *, accounts: bool = True) -> None:
        """Without `accounts` nobody's money is held or moved and nothing done is remembered: the matcher alone.

        An account is then but the number by which orders are one trader's.
        """
        self.rulebook = rulebook  # the edition of the rules in force
        self.seq = Seq(0)  # the seq of the last command applied
        self.ts_ns = 0
        self.next_trade_id = 1
        self.books: dict[str, OrderBook] = {}  # in the order of listing
        self.accounts: dict[AccountId, Account] = {}
        self.keeps_accounts = accounts
        self.ledger = Ledger() if accounts else NoLedger()
        self.recent = RecentOrders(rulebook) if accounts else OpenNames()
        self.given_id: OrderId | None = None  # what the order of the command in hand is to be called; None: by its seq
        self.orders: dict[OrderId, Order] = {}  # every open order of every symbol, waiting ones included
        self.expiries: SortedDict[tuple[int, Seq, OrderId], Order] = SortedDict()
        # by symbol: when its status changes by itself, and to what
        self.timers: dict[str, tuple[int, TradingStatus]] = {}
        # triggered stops (False), and entries whose exits are due (True)
        self.pending: deque[tuple[Order, bool]] = deque()

    def account(self, account: AccountId) -> Account:
        """The account of this number, made when it is new. O(1)."""
        owner = self.accounts.get(account)
        if owner is None:
            owner = self.accounts[account] = Account(account)
        return owner

    def open_orders(self, account: AccountId, among: Iterable[OrderId] | None = None) -> list[Order]:
        """The open orders of `account`, oldest first; `among` given, those of them, in that order."""
        known = self.accounts.get(account)
        if known is None:
            return []
        owned = known.open_orders
        return list(owned.values()) if among is None else [owned[number] for number in among if number in owned]

    def new_order(
        self,
        order_id: OrderId,
        owner: Account,
        book: OrderBook,
        side: Side,
        order_type: OrderType,
        time_in_force: TimeInForce,
        price: Ticks | None,
        quantity: Lots,
        client_order_id: str | None = None,
        prevention: SelfTradePrevention | None = None,
        terms: Terms | None = None,
        hold_price: Ticks | None = None,
    ) -> Order:
        """An order at the rates of now; nothing knows of it yet. `hold_per_lot` is what it has to hold.

        `prevention` None: the account's mode.
        """
        instrument = book.instrument
        symbol = instrument.symbol
        means = (owner.buys if side is _BUY else owner.sells).get(symbol)
        if means is None or means[0] is not instrument:
            means = self._means(owner, instrument, side)
        _, pays, receives, paid_asset, maker_rate, taker_rate, default = means
        per_lot = _NOTHING
        if self.keeps_accounts and order_type is not _MARKET:
            held_at = price if price is not None else hold_price
            per_lot = hold_per_lot(side, held_at or Ticks(0), instrument, maker_rate, taker_rate)
        order = Order(
            order_id, owner.configuration.account, symbol, side, order_type, time_in_force, price, quantity, quantity,
            client_order_id, self.ts_ns, maker_rate, taker_rate, pays, receives, paid_asset, per_lot, self.seq,
            default if prevention is None else prevention, terms,
        )  # fmt: skip
        if hold_price is not None:
            order.hold_price = hold_price
        return order

    def _means(self, owner: Account, instrument: Instrument, side: Side) -> Means:
        """What orders of an account pay with; kept until the account or the instrument changes."""
        account, balance = owner.configuration.account, self.ledger.balance
        base, quote = balance(account, instrument.base), balance(account, instrument.quote)
        means = means_of(owner, instrument, side, base, quote)
        owner.keep_means(side, means)
        return means

    # -- the indexes of open orders

    def admit(self, order: Order) -> None:
        """Enter an open order into the indexes."""
        order_id, owner = order.order_id, self.accounts[order.account]
        self.orders[order_id] = owner.open_orders[order_id] = order
        owner.open_count[order.symbol] += 1
        if order.terms is not None and order.terms.expire_ns is not None:
            self.expiries[_expiry_key(order, order.terms.expire_ns)] = order

    def forget(self, order: Order) -> None:
        """Drop an order that was open and is done from the indexes."""
        order_id, owner = order.order_id, self.accounts[order.account]
        del self.orders[order_id], owner.open_orders[order_id]
        owner.open_count[order.symbol] -= 1
        if self.keeps_accounts or order.client_order_id is not None:
            self.recent.done(order, self.seq, self.ts_ns)
        if order.terms is not None and order.terms.expire_ns is not None:
            del self.expiries[_expiry_key(order, order.terms.expire_ns)]

    # -- holds

    def own_hold_per_lot(self, order: Order) -> Amount:
        """What an order has to hold for each lot on its own account. O(1)."""
        if order.order_type is _MARKET:
            return Amount(0)
        price = order.hold_price if order.price is None else order.price
        return self.hold_per_lot_at(order, price or Ticks(0))

    def hold_per_lot_at(self, order: Order, price: Ticks) -> Amount:
        """What an order would have to hold for each lot at another price. O(1)."""
        if not self.keeps_accounts:
            return Amount(0)
        instrument = self.books[order.symbol].instrument
        return hold_per_lot(order.side, price, instrument, order.maker_rate, order.taker_rate)

    def hold(self, order: Order, per_lot: Amount) -> None:
        """Let an order hold `per_lot` for each lot it leaves. Raises InvariantViolation when its owner cannot."""
        order.pays.hold(order.leaves * (per_lot - order.hold_per_lot))
        order.hold_per_lot = per_lot

    # -- ends

    def end(self, order: Order, reason: CancelReason | None, events: list[ev.Event]) -> None:
        """End an open order with what is left of it, and give back its hold; without a reason the clock ends it.

        Its links are the caller's business.
        """
        rested = order.level is not None
        if rested:
            book = self.books[order.symbol]
            (book.bids if order.side is _BUY else book.asks).remove(order)
            del book.orders[order.order_id]
            book.changed_seq = self.seq
        elif order.waiting:
            self.books[order.symbol].stops.remove(order)
        if order.hold_per_lot:
            order.pays.release(order.leaves * order.hold_per_lot)
        self.forget(order)
        events.append(expired(order, rested=rested) if reason is None else cancelled(order, reason, rested=rested))

    def end_sibling(self, order: Order, events: list[ev.Event]) -> None:
        """One cancels other: end the other leg of an order that traded, triggered or ended."""
        sibling = order.sibling
        if sibling is None:
            return
        order.sibling = sibling.sibling = None
        self.end(sibling, CancelReason.ONE_CANCELS_OTHER, events)
        if order.order_id in self.orders:
            self.hold(order, self.own_hold_per_lot(order))


def _expiry_key(order: Order, expire_ns: int) -> tuple[int, Seq, OrderId]:
    return expire_ns, order.seq, order.order_id
