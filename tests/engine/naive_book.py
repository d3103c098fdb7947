"""A naive exchange, the oracle of the fast one: plain lists, sorted anew for every match.

Written from the matching rules, with arithmetic of its own: it shares commands, events,
instruments and domain types with the engine, and no code that decides anything.
Slow on purpose: O(open orders log) a command.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from engine import events as ev
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
from engine.instrument import Instrument
from engine.rejects import CancelReason, RejectReason
from engine.types import OrderType, Side, TimeInForce, TradingStatus
from tests.engine.naive_ledger import (
    FEES,
    NaiveAccount,
    NaiveLedger,
    NaiveOrder,
    base_of,
    decimal_of,
    net_fees_of,
    notional_of,
    reject,
)

OPERATOR = 0  # the account in an answer to whom no account asked


class NaiveSymbol:
    """One symbol: what it is, whether it trades, and the orders that rest, in no order."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.status = TradingStatus.TRADING
        self.last_price: int | None = None
        self.resting: list[NaiveOrder] = []

    def queue(self, side: Side) -> list[NaiveOrder]:
        """The resting orders of a side as they would trade: best price first, then oldest first."""
        sign = -1 if side is Side.BUY else 1
        orders = [order for order in self.resting if order.asked.side is side]
        return sorted(orders, key=lambda order: (sign * order.price, order.turn))

    def makers(self, taker: Side, limit: int | None) -> list[NaiveOrder]:
        """The orders that a taker with this limit (None: any price) may trade with, first to trade first."""
        if taker is Side.BUY:
            return [order for order in self.queue(Side.SELL) if limit is None or order.price <= limit]
        return [order for order in self.queue(Side.BUY) if limit is None or order.price >= limit]

    def best(self, side: Side) -> int | None:
        prices = [order.price for order in self.queue(side)]
        return prices[0] if prices else None

    def reference(self, side: Side) -> int | None:
        """The last trade, else the instrument's price, brought inside the BBO; else the best to take."""
        bid, ask = self.best(Side.BUY), self.best(Side.SELL)
        price = self.last_price if self.last_price is not None else self.instrument.reference_price
        if price is None:
            return ask if side is Side.BUY else bid
        if bid is not None:
            price = max(price, bid)
        if ask is not None:
            price = min(price, ask)
        return price

    def collar(self, side: Side) -> int | None:
        """The worst price that the collar lets an order of `side` have."""
        reference = self.reference(side)
        if self.instrument.collar is None or reference is None:
            return None
        room = Fraction(reference * self.instrument.collar, 1_000_000)
        if side is Side.BUY:
            return math.floor(reference + room)
        return max(math.ceil(reference - room), 1)


class NaiveExchange(NaiveLedger):
    """The same commands as the fast one takes; it must return equal events."""

    def __init__(self) -> None:
        super().__init__()
        self.symbols: dict[str, NaiveSymbol] = {}
        self.done: dict[int, NaiveOrder] = {}
        self.names: dict[tuple[int, str], NaiveOrder] = {}  # by account and client order id
        self.trades = 0
        self.turns = 0

    def apply(self, command: Command, seq: int, ts_ns: int) -> list[ev.Event]:
        match command:
            case ListInstrument():
                return self.list(command.instrument)
            case SetStatus():
                return self.set_status(command)
            case EnterOrder():
                return self.enter(command, seq, ts_ns)
            case CancelOrder():
                return self.cancel(command)
            case CancelAll():
                return self.cancel_all(command)
            case AmendOrder():
                return self.amend(command)
            case Deposit():
                return self.deposit(command)
            case Withdraw():
                return self.withdraw(command)
            case ConfigureAccount():
                return self.configure(command)
            case StopAccount():
                return self.stop(command)

    # -- operators

    def list(self, instrument: Instrument) -> list[ev.Event]:
        if max(abs(instrument.maker_fee), abs(instrument.taker_fee)) > 1_000_000:
            return [reject(OPERATOR, instrument.symbol, RejectReason.BAD_CONFIGURATION)]
        known = self.symbols.get(instrument.symbol)
        units = ("base", "quote", "tick_size", "lot_size", "quote_scale", "lot_tick_amount", "base_scale", "lot_amount")
        other_units = known and any(getattr(known.instrument, unit) != getattr(instrument, unit) for unit in units)
        other_scale = (
            self.scales.get(instrument.base, instrument.base_scale) != instrument.base_scale
            or self.scales.get(instrument.quote, instrument.quote_scale) != instrument.quote_scale
        )
        if other_units or other_scale or instrument.base == instrument.quote:
            return [reject(OPERATOR, instrument.symbol, RejectReason.INSTRUMENT_CONFLICT)]
        self.instruments[instrument.symbol] = instrument
        self.scales[instrument.base] = instrument.base_scale
        self.scales[instrument.quote] = instrument.quote_scale
        if known is None:
            self.symbols[instrument.symbol] = NaiveSymbol(instrument)
        else:
            known.instrument = instrument
        return [ev.InstrumentListed(instrument)]

    def set_status(self, command: SetStatus) -> list[ev.Event]:
        symbol = self.symbols.get(command.symbol)
        if symbol is None:
            return [reject(OPERATOR, command.symbol, RejectReason.UNKNOWN_SYMBOL)]
        symbol.status = command.status
        return [ev.StatusChanged(command.symbol, command.status)]

    # -- entering

    def enter(self, command: EnterOrder, seq: int, ts_ns: int) -> list[ev.Event]:
        symbol = self.symbols.get(command.symbol)
        first = self.named(command.account, command.client_order_id)
        reason = self.refusal(command, symbol, first, ts_ns)
        if reason is not None or symbol is None:
            first_id = first.order_id if first and reason is RejectReason.DUPLICATE_CLIENT_ORDER_ID else None
            return [reject(command.account, command.symbol, reason, first_id, command.client_order_id)]
        if first is not None:
            return [ev.Repeated(first.order_id, command.account, command.symbol, command.client_order_id)]

        limit = command.price if command.price is not None else symbol.collar(command.side)
        makers = symbol.makers(command.side, limit)
        if command.quote_quantity is not None:
            quantity, exhausted = self.lots_for(symbol, makers, command.quote_quantity)
        else:
            quantity, exhausted = command.quantity, False
        rates = self.account(command.account).rates(symbol.instrument)
        order = NaiveOrder(seq, command, ts_ns, self.turn(), command.price, quantity, rates)
        if self.cost(order, symbol.instrument, makers) > self.available(command.account, self.paid_asset(command)):
            reason = RejectReason.INSUFFICIENT_FUNDS
            return [reject(command.account, command.symbol, reason, None, command.client_order_id)]
        if command.client_order_id is not None:
            self.names[command.account, command.client_order_id] = order
        events: list[ev.Event] = [
            ev.Accepted(
                seq,
                command.account,
                command.symbol,
                command.side,
                command.order_type,
                command.time_in_force,
                command.price,
                quantity,
                command.client_order_id,
            )
        ]
        fill_or_kill = command.time_in_force is TimeInForce.FOK
        if not fill_or_kill or sum(maker.leaves for maker in makers) >= quantity:
            events += self.trade(symbol, order, makers)
        if quantity > 0 and order.leaves == 0 and not exhausted:
            self.done[seq] = order
            return [*events, ev.Completed(*order.ended())]
        reason_left = None
        if fill_or_kill:
            reason_left = CancelReason.FILL_OR_KILL
        elif command.order_type is OrderType.MARKET:
            reason_left = CancelReason.NO_LIQUIDITY
        elif command.time_in_force is TimeInForce.IOC:
            reason_left = CancelReason.IMMEDIATE_OR_CANCEL
        if reason_left is not None:
            self.done[seq] = order
            return [*events, ev.Cancelled(*order.ended(), reason=reason_left, rested=False)]
        symbol.resting.append(order)
        self.open.append(order)
        return events

    def refusal(
        self, command: EnterOrder, symbol: NaiveSymbol | None, first: NaiveOrder | None, ts_ns: int
    ) -> RejectReason | None:
        """The first rule broken but for the funds, read from the top: the order of precedence."""
        owner = self.account(command.account)
        if symbol is None:
            return RejectReason.UNKNOWN_SYMBOL
        if symbol.status is not TradingStatus.TRADING:
            return RejectReason.SYMBOL_NOT_TRADING
        if owner.stopped:
            return RejectReason.ACCOUNT_STOPPED
        if first is not None:
            return None if first.asked == command else RejectReason.DUPLICATE_CLIENT_ORDER_ID
        most = owner.configuration.max_orders_per_second
        if most is not None:
            owner.asked_ns.append(ts_ns)
            if sum(asked_ns // 10**9 == ts_ns // 10**9 for asked_ns in owner.asked_ns) > most:
                return RejectReason.ORDER_RATE_EXCEEDED
        given = {name for name in ("price", "quantity", "quote_quantity") if getattr(command, name) is not None}
        tif = command.time_in_force
        combines = (
            (command.order_type is OrderType.LIMIT and given == {"price", "quantity"})
            or (command.order_type is OrderType.MARKET and given == {"quantity"} and tif is not TimeInForce.GTC)
            or (command.order_type is OrderType.MARKET and given == {"quote_quantity"} and tif is TimeInForce.IOC)
        )
        if not combines:
            return RejectReason.UNSUPPORTED_COMBINATION
        valued_at = command.price if command.price is not None else symbol.reference(command.side)
        reason = size_refusal(symbol, owner, valued_at, command.quantity, command.quote_quantity)
        if reason is not None:
            return reason
        if command.price is not None and self.outside_collar(symbol, command.side, command.price):
            return RejectReason.PRICE_OUTSIDE_COLLAR
        mine = [o for o in symbol.resting if o.asked.account == command.account]
        own_most = owner.configuration.max_open_orders
        everywhere = [o for o in self.open if o.asked.account == command.account]
        if len(mine) >= symbol.instrument.max_open_orders or (own_most is not None and len(everywhere) >= own_most):
            return RejectReason.TOO_MANY_OPEN_ORDERS
        return None

    def outside_collar(self, symbol: NaiveSymbol, side: Side, price: int) -> bool:
        worst = symbol.collar(side)
        if worst is None:
            return False
        return price > worst if side is Side.BUY else price < worst

    def lots_for(self, symbol: NaiveSymbol, makers: list[NaiveOrder], budget: int) -> tuple[int, bool]:
        """How many whole lots `budget` pays for, one at a time, and whether it paid for all there was and more."""
        lots, last_price = 0, None
        for maker in makers:
            for _ in range(maker.leaves):
                one = notional_of(symbol.instrument, maker.price, 1)
                if one > budget:
                    return lots, False
                budget -= one
                lots += 1
                last_price = maker.price
        return lots, last_price is None or budget >= notional_of(symbol.instrument, last_price, 1)

    def trade(self, symbol: NaiveSymbol, taker: NaiveOrder, makers: list[NaiveOrder]) -> list[ev.Event]:
        events: list[ev.Event] = []
        instrument = symbol.instrument
        for maker in makers:
            quantity = min(taker.leaves, maker.leaves)
            if quantity == 0:
                break
            self.trades += 1
            notional = notional_of(instrument, maker.price, quantity)
            fees = net_fees_of(notional, maker.rates[0], taker.rates[1])
            self.owned[FEES, instrument.quote] += sum(fees)
            for order, fee in ((maker, fees[0]), (taker, fees[1])):
                sign = 1 if order.asked.side is Side.BUY else -1
                self.owned[order.asked.account, instrument.base] += sign * base_of(instrument, quantity)
                self.owned[order.asked.account, instrument.quote] -= sign * notional + fee
                order.cum += quantity
                order.quote_cum += notional
                order.fees += fee
            symbol.last_price = maker.price
            events.append(
                ev.Filled(
                    self.trades,
                    instrument.symbol,
                    maker.price,
                    quantity,
                    notional,
                    taker.asked.side,
                    maker.order_id,
                    taker.order_id,
                    maker.asked.account,
                    taker.asked.account,
                    *fees,
                    maker.leaves,
                    taker.leaves,
                )
            )
            if maker.leaves == 0:
                self.end(maker)
                events.append(ev.Completed(*maker.ended()))
        return events

    # -- changing and ending

    def amend(self, command: AmendOrder) -> list[ev.Event]:
        order, refused = self.own_open(command.account, command.order_id, None, None)
        if order is None:
            return refused
        symbol = self.symbols[order.asked.symbol]
        side = order.asked.side
        price = order.price if command.price is None else command.price
        quantity = order.quantity if command.quantity is None else command.quantity
        reason = None
        if symbol.status is not TradingStatus.TRADING:
            reason = RejectReason.SYMBOL_NOT_TRADING
        elif not isinstance(quantity, str) and quantity <= order.cum:
            self.end(order)
            return [ev.Cancelled(*order.ended(), reason=CancelReason.AMENDED_BELOW_FILLED, rested=True)]
        else:
            reason = size_refusal(symbol, self.account(command.account), price, quantity, None)
        if reason is None and price != order.price and self.outside_collar(symbol, side, price):
            reason = RejectReason.PRICE_OUTSIDE_COLLAR
        if reason is None:
            changed = replace(order, price=price, quantity=quantity)
            if self.hold(changed) - self.hold(order) > self.available(command.account, self.paid_asset(order.asked)):
                reason = RejectReason.INSUFFICIENT_FUNDS
        if reason is not None:
            return [reject(command.account, order.asked.symbol, reason, order.order_id)]
        old_price, kept = order.price, price == order.price and quantity <= order.quantity
        order.price, order.quantity = price, quantity
        events: list[ev.Event] = [
            ev.Amended(
                order.order_id,
                order.asked.account,
                order.asked.symbol,
                side,
                old_price,
                price,
                quantity,
                order.leaves,
                kept,
            )
        ]
        if not kept:
            order.turn = self.turn()
            events += self.trade(symbol, order, symbol.makers(side, price))
            if order.leaves == 0:
                self.end(order)
                events.append(ev.Completed(*order.ended()))
        return events

    def cancel(self, command: CancelOrder) -> list[ev.Event]:
        order, refused = self.own_open(command.account, command.order_id, command.client_order_id, command.symbol)
        if order is None:
            return refused
        self.end(order)
        return [ev.Cancelled(*order.ended(), reason=CancelReason.REQUESTED, rested=True)]

    def stop(self, command: StopAccount) -> list[ev.Event]:
        self.account(command.account).stopped = command.stopped
        events: list[ev.Event] = [ev.AccountStopped(command.account, command.stopped)]
        if command.stopped:
            for order in [order for order in self.open if order.asked.account == command.account]:
                self.end(order)
                events.append(ev.Cancelled(*order.ended(), reason=CancelReason.ACCOUNT_STOPPED, rested=True))
        return events

    def cancel_all(self, command: CancelAll) -> list[ev.Event]:
        chosen = [
            order
            for order in self.open
            if order.asked.account == command.account
            and command.symbol in (None, order.asked.symbol)
            and command.side in (None, order.asked.side)
        ]
        for order in chosen:
            self.end(order)
        return [ev.Cancelled(*order.ended(), reason=CancelReason.REQUESTED, rested=True) for order in chosen]

    # -- looking up

    def named(self, account: int, client_order_id: str | None) -> NaiveOrder | None:
        """The order that the account entered under this name, open or done."""
        return self.names.get((account, client_order_id))

    def own_open(
        self, account: int, order_id: int | None, client_order_id: str | None, symbol: str | None
    ) -> tuple[NaiveOrder | None, list[ev.Event]]:
        """The open order that is meant, or what to answer instead."""
        if order_id is None:
            named = self.named(account, client_order_id)
            order_id = named.order_id if named else None
        for order in self.open:
            if (order.order_id, order.asked.account) == (order_id, account) and symbol in (None, order.asked.symbol):
                return order, []
        done = self.done.get(order_id)
        if done is not None and done.asked.account == account:
            return None, [reject(account, symbol, RejectReason.TOO_LATE, order_id, client_order_id)]
        return None, [reject(account, symbol, RejectReason.UNKNOWN_ORDER, None, client_order_id)]

    def end(self, order: NaiveOrder) -> None:
        """Take an open order out."""
        self.open.remove(order)
        self.symbols[order.asked.symbol].resting.remove(order)
        self.done[order.order_id] = order

    def turn(self) -> int:
        self.turns += 1
        return self.turns


def size_refusal(
    symbol: NaiveSymbol,
    owner: NaiveAccount,
    price: int | str | None,
    quantity: int | str | None,
    quote_quantity: int | str | None,
) -> RejectReason | None:
    """The first rule about steps and sizes that is broken."""
    instrument = symbol.instrument
    if isinstance(price, str) or (price is not None and price <= 0):
        return RejectReason.BAD_TICK
    if isinstance(quantity, str) or isinstance(quote_quantity, str):
        return RejectReason.BAD_LOT
    if quantity is None:
        notional = quote_quantity
    else:
        if quantity < instrument.min_quantity:
            return RejectReason.QUANTITY_TOO_SMALL
        if quantity > instrument.max_quantity:
            return RejectReason.QUANTITY_TOO_LARGE
        if price is None:
            return None
        notional = notional_of(instrument, price, quantity)
    if notional < instrument.min_notional or notional <= 0:
        return RejectReason.NOTIONAL_TOO_SMALL
    if notional > instrument.max_notional:
        return RejectReason.NOTIONAL_TOO_LARGE
    own = owner.configuration.max_notional
    if own is not None and Fraction(notional, 10**instrument.quote_scale) > decimal_of(own):
        return RejectReason.NOTIONAL_TOO_LARGE
    return None
