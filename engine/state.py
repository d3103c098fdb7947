"""The state of the whole venue, and the small steps that every command is made of.

Layer: engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from sortedcontainers import SortedDict

from engine import events as ev
from engine.accounts import Account
from engine.book import OrderBook
from engine.fees import hold_per_lot
from engine.ledger import Ledger
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
    entry_of,
)

_BUY, _MARKET = Side.BUY, OrderType.MARKET
_NOTHING = Amount(0)


class ExchangeState:
    """All symbols and accounts, and what a command has set off but not yet finished."""

    def __init__(self, rulebook: int = FIRST_EDITION) -> None:
        self.rulebook = rulebook  # the edition of the rules in force
        self.seq = Seq(0)  # the seq of the last command applied
        self.ts_ns = 0
        self.next_trade_id = 1
        self.books: dict[str, OrderBook] = {}  # in the order of listing
        self.accounts: dict[AccountId, Account] = {}
        self.ledger = Ledger()
        self.recent = RecentOrders(rulebook)
        self.orders: dict[OrderId, Order] = {}  # every open order of every symbol, waiting ones included
        self.expiries: SortedDict[tuple[int, OrderId, OrderId], Order] = SortedDict()
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
        order_id: OrderId | Seq,
        owner: Account,
        book: OrderBook,
        side: Side,
        order_type: OrderType,
        time_in_force: TimeInForce,
        price: Ticks | None,
        quantity: Lots,
        client_order_id: str | None = None,
        prevention: SelfTradePrevention = SelfTradePrevention.NONE,
        terms: Terms | None = None,
        hold_price: Ticks | None = None,
    ) -> Order:
        """An order at the rates of now; nothing knows of it yet. `hold_per_lot` is what it has to hold."""
        instrument = book.instrument
        symbol = instrument.symbol
        own = owner.configuration
        wallet = owner.wallets.get(symbol)
        if wallet is None:
            account = own.account
            wallet = self.ledger.balance(account, instrument.base), self.ledger.balance(account, instrument.quote)
            owner.wallets[symbol] = wallet
        base, quote = wallet
        buys = side is _BUY
        maker_rate = instrument.maker_fee if own.maker_fee is None else own.maker_fee
        taker_rate = instrument.taker_fee if own.taker_fee is None else own.taker_fee
        per_lot = _NOTHING
        if order_type is not _MARKET:
            held_at = price if price is not None else hold_price
            per_lot = hold_per_lot(side, held_at or Ticks(0), instrument, maker_rate, taker_rate)
        order = Order(
            order_id,  # type: ignore[arg-type] # the seq of its command, or the id of a leg
            own.account,
            symbol,
            side,
            order_type,
            time_in_force,
            price,
            quantity,
            quantity,
            client_order_id,
            self.ts_ns,
            maker_rate,
            taker_rate,
            quote if buys else base,
            base if buys else quote,
            instrument.quote if buys else instrument.base,
            per_lot,
            prevention,
            terms,
        )
        if hold_price is not None:
            order.hold_price = hold_price
        return order

    # -- the indexes of open orders

    def admit(self, order: Order) -> None:
        """Enter an open order into the indexes."""
        self.orders[order.order_id] = order
        owner = self.accounts[order.account]
        owner.open_orders[order.order_id] = order
        counts = owner.open_count
        counts[order.symbol] = counts.get(order.symbol, 0) + 1
        if order.terms is not None and order.terms.expire_ns is not None:
            self.expiries[_expiry_key(order, order.terms.expire_ns)] = order

    def forget(self, order: Order) -> None:
        """Drop an order that was open and is done from the indexes."""
        del self.orders[order.order_id]
        owner = self.accounts[order.account]
        del owner.open_orders[order.order_id]
        owner.open_count[order.symbol] -= 1
        self.recent.done(order, self.seq, self.ts_ns)
        if order.terms is not None and order.terms.expire_ns is not None:
            del self.expiries[_expiry_key(order, order.terms.expire_ns)]

    # -- holds

    def own_hold_per_lot(self, order: Order) -> Amount:
        """What an order has to hold for each lot on its own account. O(1)."""
        if order.order_type is _MARKET:
            return Amount(0)
        price = order.hold_price if order.price is None else order.price
        instrument = self.books[order.symbol].instrument
        return hold_per_lot(order.side, price or Ticks(0), instrument, order.maker_rate, order.taker_rate)

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
            book.remove(order)
            book.changed_seq = self.seq
        elif order.waiting:
            self.books[order.symbol].stops.remove(order)
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


def _expiry_key(order: Order, expire_ns: int) -> tuple[int, OrderId, OrderId]:
    return expire_ns, entry_of(order.order_id), order.order_id
