"""A naive exchange, the oracle of the fast one: plain lists, sorted anew for every match.

Written from the matching rules, with arithmetic of its own: it shares commands, events,
instruments and domain types with the engine, and no code that decides anything.
Slow on purpose: O(open orders log) a command.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field, replace
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

OPERATOR = 0  # the account in an answer to whom no account asked
FEES = 0  # the venue's account


def notional_of(instrument: Instrument, price: int, quantity: int) -> int:
    """Price times quantity in minor units, by way of the decimals that people see."""
    exact = (
        Fraction(instrument.tick_size) * price * Fraction(instrument.lot_size) * quantity * 10**instrument.quote_scale
    )
    assert exact.denominator == 1, "a tick times a lot is not a whole number of minor units"
    return int(exact)


def fee_of(notional: int, millionths: int) -> int:
    """What the party pays: rounded up; what it receives (below zero): rounded down."""
    exact = Fraction(notional * millionths, 1_000_000)
    return math.ceil(exact) if exact >= 0 else -math.floor(-exact)


def net_fees_of(notional: int, maker_rate: int, taker_rate: int) -> tuple[int, int]:
    """Both fees of a trade; nobody is given more than the other party pays."""
    maker, taker = fee_of(notional, maker_rate), fee_of(notional, taker_rate)
    return max(maker, -max(taker, 0)), max(taker, -max(maker, 0))


def base_of(instrument: Instrument, quantity: int) -> int:
    """Lots in minor units of the base asset, by way of the decimals that people see."""
    exact = Fraction(instrument.lot_size) * quantity * 10**instrument.base_scale
    assert exact.denominator == 1, "a lot is not a whole number of minor units"
    return int(exact)


def decimal_of(text: str) -> Fraction | None:
    """A decimal of at most 40 digits, or None for anything else."""
    if not re.fullmatch(r"[0-9]*\.?[0-9]*", text) or not 1 <= len(text.replace(".", "")) <= 40:
        return None
    return Fraction(text)


@dataclass
class NaiveAccount:
    """What an account may, and when it asked for orders while that was limited."""

    configuration: ConfigureAccount
    stopped: bool = False
    asked_ns: list[int] = field(default_factory=list)

    def rates(self, instrument: Instrument) -> tuple[int, int]:
        """Maker and taker rate of an order entered now."""
        own = self.configuration
        return (
            instrument.maker_fee if own.maker_fee is None else own.maker_fee,
            instrument.taker_fee if own.taker_fee is None else own.taker_fee,
        )


@dataclass
class NaiveOrder:
    order_id: int
    asked: EnterOrder
    entered_ns: int
    turn: int  # when it joined the queue it stands in
    price: int | None
    quantity: int
    rates: tuple[int, int]  # maker and taker, for as long as it lives
    cum: int = 0
    quote_cum: int = 0
    fees: int = 0

    @property
    def leaves(self) -> int:
        return self.quantity - self.cum

    def ended(self) -> tuple[object, ...]:
        """The fields that both ways to end have."""
        asked = self.asked
        return (
            self.order_id,
            asked.account,
            asked.symbol,
            asked.side,
            asked.order_type,
            asked.time_in_force,
            self.price,
            self.quantity,
            self.cum,
            self.quote_cum,
            self.fees,
            asked.client_order_id,
            self.entered_ns,
        )


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


class NaiveExchange:
    """The same commands as the fast one takes; it must return equal events."""

    def __init__(self) -> None:
        self.symbols: dict[str, NaiveSymbol] = {}
        self.open: list[NaiveOrder] = []  # oldest first
        self.done: dict[int, NaiveOrder] = {}
        self.accounts: dict[int, NaiveAccount] = {}
        self.scales: dict[str, int] = {}  # of every asset
        self.owned: Counter[tuple[int, str]] = Counter()  # by account and asset, held or not
        self.deposited: Counter[tuple[int, str]] = Counter()
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

    # -- accounts and money

    def account(self, account: int) -> NaiveAccount:
        return self.accounts.setdefault(account, NaiveAccount(ConfigureAccount(account, "standard")))

    def configure(self, command: ConfigureAccount) -> list[ev.Event]:
        rates = [rate for rate in (command.maker_fee, command.taker_fee) if rate is not None]
        counts = [most for most in (command.max_open_orders, command.max_orders_per_second) if most is not None]
        notional = command.max_notional
        if (
            any(abs(rate) > 1_000_000 for rate in rates)
            or any(most < 0 for most in counts)
            or (notional is not None and decimal_of(notional) is None)
        ):
            return [reject(command.account, None, RejectReason.BAD_CONFIGURATION)]
        self.account(command.account).configuration = command
        return [ev.AccountConfigured(command.account, command.tier)]

    def stop(self, command: StopAccount) -> list[ev.Event]:
        self.account(command.account).stopped = command.stopped
        events: list[ev.Event] = [ev.AccountStopped(command.account, command.stopped)]
        if command.stopped:
            for order in [order for order in self.open if order.asked.account == command.account]:
                self.end(order)
                events.append(ev.Cancelled(*order.ended(), reason=CancelReason.ACCOUNT_STOPPED, rested=True))
        return events

    def deposit(self, command: Deposit) -> list[ev.Event]:
        key = command.account, command.asset
        reason, amount = self.transfer(command)
        if reason is None and command.limit is not None:
            limit = (decimal_of(command.limit) or 0) * 10 ** self.scales[command.asset]
            if self.deposited[key] + amount > limit:
                reason = RejectReason.DEPOSIT_LIMIT_EXCEEDED
        if reason is not None:
            return [reject(command.account, None, reason)]
        self.owned[key] += amount
        self.deposited[key] += amount
        return [ev.Deposited(*key, amount)]

    def withdraw(self, command: Withdraw) -> list[ev.Event]:
        key = command.account, command.asset
        reason, amount = self.transfer(command)
        if reason is None and amount > self.available(*key):
            reason = RejectReason.INSUFFICIENT_FUNDS
        if reason is not None:
            return [reject(command.account, None, reason)]
        self.owned[key] -= amount
        return [ev.Withdrawn(*key, amount)]

    def transfer(self, command: Deposit | Withdraw) -> tuple[RejectReason | None, int]:
        """Why nothing can come or go, else how many minor units."""
        if command.asset not in self.scales:
            return RejectReason.UNKNOWN_ASSET, 0
        if self.account(command.account).stopped:
            return RejectReason.ACCOUNT_STOPPED, 0
        amount = (decimal_of(command.amount) or 0) * 10 ** self.scales[command.asset]
        if amount <= 0 or amount != int(amount):
            return RejectReason.BAD_AMOUNT, 0
        return None, int(amount)

    def held(self, account: int, asset: str) -> int:
        """What the open orders of an account need of an asset."""
        mine = [order for order in self.open if order.asked.account == account]
        return sum(self.hold(order) for order in mine if self.paid_asset(order.asked) == asset)

    def available(self, account: int, asset: str) -> int:
        return self.owned[account, asset] - self.held(account, asset)

    def paid_asset(self, asked: EnterOrder) -> str:
        instrument = self.symbols[asked.symbol].instrument
        return instrument.quote if asked.side is Side.BUY else instrument.base

    def hold(self, order: NaiveOrder) -> int:
        """What an order with a price may still cost: each lot with the highest fee on it, one lot at a time."""
        instrument = self.symbols[order.asked.symbol].instrument
        if order.asked.side is Side.SELL:
            return base_of(instrument, order.leaves)
        one = notional_of(instrument, order.price, 1)
        return order.leaves * (one + max(0, *(fee_of(one, rate) for rate in order.rates)))

    def cost(self, order: NaiveOrder, symbol: NaiveSymbol, makers: list[NaiveOrder]) -> int:
        """What must be available for a new order: for a market order what it takes at once, and no more."""
        if order.price is not None:
            return self.hold(order)
        left, cost = order.quantity, 0
        if order.asked.time_in_force is TimeInForce.FOK and sum(maker.leaves for maker in makers) < left:
            return 0
        for maker in makers:
            lots = min(left, maker.leaves)
            left -= lots
            notional = notional_of(symbol.instrument, maker.price, lots)
            if order.asked.side is Side.SELL:
                cost += base_of(symbol.instrument, lots)
            else:
                cost += notional + max(0, fee_of(notional, order.rates[1]))
        return cost

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
        if self.cost(order, symbol, makers) > self.available(command.account, self.paid_asset(command)):
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


def reject(
    account: int,
    symbol: str | None,
    reason: RejectReason | None,
    order_id: int | None = None,
    client_order_id: str | None = None,
) -> ev.Rejected:
    assert reason is not None
    return ev.Rejected(account, symbol, reason, order_id, client_order_id)
