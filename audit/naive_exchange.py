"""A naive exchange, the oracle of the fast one: plain lists, sorted anew for every match.

Written from the matching rules, with arithmetic of its own: it shares commands, events,
instruments and domain types with the engine, and no code that decides anything.
Slow on purpose: O(open orders of the symbol) a command, and no more for a long history.
Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

from audit.naive_amend import NaiveAmends
from audit.naive_money import base_of, fee_of, notional_of, reject
from audit.naive_order import NaiveOrder
from audit.naive_rules import asked_again, entry_refusal, first_stop, options_of, takes_at_once, waits_for_trigger
from audit.naive_symbol import BUY, SELL, NaiveSymbol, nearest
from audit.naive_walk import Fill, Walk, walk
from engine import events as ev
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
)
from engine.instrument import Instrument
from engine.rejects import CancelReason, RejectReason
from engine.rulebook import FIRST_EDITION
from engine.types import LEG_UNIT, STOP_LEG, Lots, OrderId, OrderType, Ticks, TimeInForce, TradingStatus

OPERATOR = 0  # the account in an answer to whom no account asked
DAY_NS = 24 * 3600 * 10**9


class NaiveExchange(NaiveAmends):
    """The same commands as the fast one takes; it must return equal events."""

    def apply(self, command: Command, seq: int, ts_ns: int) -> list[ev.Event]:
        """Carry out one command and return what happened, in order."""
        self.events, self.ts_ns, self.seq = [], ts_ns, seq
        match command:
            case EnterOrder():
                self.enter(command, seq)
            case CancelOrder():
                self.cancel(command)
            case AmendOrder():
                self.amend(command)
            case CancelAll():
                self.cancel_all(command)
            case StopAccount():
                self.stop(command)
            case SetStatus():
                self.set_status(command)
            case AdoptRulebook():
                self.adopt(command)
            case AdvanceTime():
                self.advance(command.limit)
            case ListInstrument():
                self.events = self.list_instrument(command.instrument)
            case Deposit():
                self.events = self.deposit(command)
            case Withdraw():
                self.events = self.withdraw(command)
            case ConfigureAccount():
                self.events = self.configure(command)
            # and a WriterChanged changes nothing
        self.run_queue()
        return self.events

    # -- operators

    def adopt(self, command: AdoptRulebook) -> None:
        """Carry out an AdoptRulebook."""
        self.rulebook = max(self.rulebook, command.edition)
        if self.rulebook > FIRST_EDITION:
            self.memory.part(self.seq, self.ts_ns)

    def list_instrument(self, instrument: Instrument) -> list[ev.Event]:
        """Carry out a ListInstrument."""
        durations = (instrument.band_window_ns, instrument.limit_state_ns, instrument.halt_ns, instrument.auction_ns)
        band = 1 if instrument.band is None else instrument.band
        whole = max(abs(instrument.maker_fee), abs(instrument.taker_fee), band) <= 1_000_000
        if not whole or band <= 0 or min(durations) < 0:
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
            known.list_again(instrument)
        return [ev.InstrumentListed(instrument)]

    def stop(self, command: StopAccount) -> None:
        """Carry out a StopAccount."""
        self.account(command.account).stopped = command.stopped
        self.events.append(ev.AccountStopped(command.account, command.stopped))
        if command.stopped:
            self.cancel_many(self.open_of(command.account, command.among), CancelReason.ACCOUNT_STOPPED)

    # -- sessions

    def set_status(self, command: SetStatus) -> None:
        """Carry out a SetStatus."""
        symbol = self.symbols.get(command.symbol)
        if symbol is None:
            self.events.append(reject(OPERATOR, command.symbol, RejectReason.UNKNOWN_SYMBOL))
        else:
            self.change_status(symbol, command.status)
            if command.until_ns is not None and command.status is TradingStatus.AUCTION:
                symbol.timer = (command.until_ns, TradingStatus.TRADING)

    def change_status(self, symbol: NaiveSymbol, status: TradingStatus) -> None:
        """Begin a session: with trading the orders that gathered uncross, with the close the day's orders expire."""
        if symbol.limit_state is not None:
            symbol.limit_state = None
            self.emit_limit_state(symbol, None)
        symbol.timer = None
        symbol.status = status
        self.events.append(ev.StatusChanged(symbol.instrument.symbol, status))
        if status is TradingStatus.TRADING:
            symbol.band_reference = None
            found = symbol.auction()
            if found is not None:
                self.uncross(symbol, *found)
            else:
                symbol.renew_band(self.ts_ns)
                if symbol.last_price is not None:
                    self.step(symbol, symbol.last_price)
            self.run_queue()
        if status is TradingStatus.CLOSED:
            name = symbol.instrument.symbol
            self.expire([o for o in self.open if o.symbol == name and o.time_in_force is TimeInForce.DAY])

    def uncross(self, symbol: NaiveSymbol, price: int, volume: int, imbalance: int) -> None:
        """Pair the best bids with the best asks, all at one price."""
        self.events.append(ev.Uncrossed(symbol.instrument.symbol, Ticks(price), Lots(volume), Lots(imbalance)))
        touched: list[NaiveOrder] = []
        bids, asks = symbol.queue(BUY), symbol.queue(SELL)
        counts = False
        while volume > 0:
            pair = bids[0], asks[0]
            quantity = min(volume, *(order.shown for order in pair))
            slices = [order.shown for order in pair]
            volume -= quantity
            maker, taker = sorted(pair, key=lambda order: (order.order_id % LEG_UNIT, order.order_id))
            counts |= self.trade(maker, taker, price, quantity, auction=True)
            touched += [order for order in (maker, taker) if order not in touched]
            for queue, shown in zip((bids, asks), slices, strict=True):
                if shown == quantity:  # the slice is used up
                    first = queue.pop(0)
                    if not first.done:
                        queue.insert(sum(order.price == first.price for order in queue), first)
        if not counts:  # accounts with themselves only: as if nothing had been uncrossed
            symbol.renew_band(self.ts_ns)
        for order in touched:
            self.part(order)
        if counts:
            symbol.band_reference, symbol.band_set_ns = symbol.inside(price), self.ts_ns
            self.step(symbol, price)
        elif symbol.last_price is not None:
            self.step(symbol, symbol.last_price)
        ended = sorted((order for order in touched if order.done), key=lambda order: order.ended_turn)
        self.queue_exits(ended)

    def advance(self, limit: int | None) -> None:
        """AdvanceTime: first the orders whose time has come, at most so many, then what is due in each symbol."""
        while due_orders := [order for order in self.open if order.expire_ns and order.expire_ns <= self.ts_ns]:
            if limit == 0:
                return
            limit = None if limit is None else limit - 1
            self.expire(sorted(due_orders, key=lambda order: order.expire_ns or 0)[:1])
        while True:
            due: list[tuple[int, str]] = []
            for name, symbol in self.symbols.items():
                if symbol.limit_state is not None:
                    due.append((symbol.limit_state[1], name))
                if symbol.timer is not None:
                    due.append((symbol.timer[0], name))
            due = [item for item in due if item[0] <= self.ts_ns]
            if not due:
                return
            self.on_timer(self.symbols[min(due)[1]])

    def on_timer(self, symbol: NaiveSymbol) -> None:
        """A limit state that lasted halts, a halt becomes an auction, an auction trading."""
        instrument = symbol.instrument
        if symbol.limit_state is not None:
            self.change_status(symbol, TradingStatus.HALTED)
            symbol.timer = (self.ts_ns + instrument.halt_ns, TradingStatus.AUCTION)
        elif symbol.timer is not None and symbol.timer[1] is TradingStatus.AUCTION:
            self.change_status(symbol, TradingStatus.AUCTION)
            symbol.timer = (self.ts_ns + instrument.auction_ns, TradingStatus.TRADING)
        else:
            self.change_status(symbol, TradingStatus.TRADING)

    def expire(self, orders: list[NaiveOrder]) -> None:
        """End orders by the clock, each with all that follows before the next."""
        for order in orders:
            if not order.done:
                rested = order.resting
                self.close(order)
                self.events.append(order.expired(rested=rested))
                self.after_end(order)

    # -- entering

    def enter(self, command: EnterOrder, seq: int) -> None:
        """Carry out an EnterOrder."""
        account, name = command.account, command.client_order_id
        symbol = self.symbols.get(command.symbol)
        first = None if name is None else self.memory.first(account, name, self.ts_ns)
        if symbol is not None and name is not None and self.rulebook > FIRST_EDITION:
            reason = None  # before anything else an order is asked whether it came before
            if self.memory.unsure(account, name, command.looked_until, self.ts_ns):
                reason = RejectReason.MAYBE_REPEATED
            elif first is None:
                reason = self.refusal(command, symbol)
        else:
            reason = self.refusal(command, symbol)
        if reason is None and first is not None and name is not None:
            if asked_again(first[1], command):
                self.events.append(ev.DuplicateRequest(OrderId(first[0]), account, command.symbol, name))
                return
            reason = RejectReason.DUPLICATE_CLIENT_ORDER_ID
            self.events.append(reject(account, command.symbol, reason, first[0], name))
            return
        if reason is None and symbol is not None:
            owner = self.account(account)
            if not owner.count_order(self.ts_ns):
                reason = RejectReason.ORDER_RATE_EXCEEDED
            else:
                reason = entry_refusal(command, symbol, owner, self.ts_ns, self.rulebook)
                reason = reason or self.enter_allowed(command, symbol, seq)
        if reason is not None:
            self.events.append(reject(account, command.symbol, reason, None, name))

    def refusal(self, command: EnterOrder, symbol: NaiveSymbol | None) -> RejectReason | None:
        """The first rule broken of those that do not look at the order itself."""
        if symbol is None:
            return RejectReason.UNKNOWN_SYMBOL
        if not symbol.trading and (not symbol.gathering or takes_at_once(command)):
            return RejectReason.SYMBOL_NOT_TRADING
        symbol.renew_band(self.ts_ns)
        return RejectReason.ACCOUNT_STOPPED if self.account(command.account).stopped else None

    def enter_allowed(self, command: EnterOrder, symbol: NaiveSymbol, seq: int) -> RejectReason | None:
        """An order that the rules allow: enter it, unless it cannot be paid, would take or would meet its own."""
        legs = self.legs_of(command, symbol, seq)
        first, side = legs[0], command.side
        budget = None if command.quote_quantity is None else int(command.quote_quantity)
        asked = symbol.collar(side) if first.order_type is OrderType.MARKET else first.price
        limit = nearest(side, asked, symbol.band(side))
        would_take = False
        if first.order_type is OrderType.LIMIT:
            first.price = limit
            would_take = self.would_take(first, symbol)
        for leg in legs:
            leg.one_lot = self.lot_hold(leg)
        walked: Walk | None = None
        if symbol.trading and not first.waiting:
            walked = walk(symbol, first, first.price if first.price is not None else limit, budget)
        if budget is not None and walked is not None:
            first.quantity = walked.filled
        cost = first.quantity * max(leg.one_lot for leg in legs)
        if first.order_type is OrderType.MARKET and walked is not None:
            cost = self.market_cost(first, walked)
        if cost > self.available(command.account, self.paid_asset(first)):
            return RejectReason.INSUFFICIENT_FUNDS
        if would_take:
            return RejectReason.POST_ONLY_WOULD_TAKE
        if walked is not None and self.meets_its_own(first, walked):
            return RejectReason.SELF_TRADE
        if command.client_order_id is not None:
            self.memory.names[command.account, command.client_order_id] = (seq, command)
        self.enter_legs(legs, asked, walked, budgeted=budget is not None)
        return None

    def legs_of(self, command: EnterOrder, symbol: NaiveSymbol, seq: int) -> list[NaiveOrder]:
        """The order that a command asks for; of a pair both."""
        options, kind = options_of(command), command.order_type
        first = self.blank(command, symbol, seq)
        if kind is OrderType.OCO:
            first.order_type = OrderType.LIMIT
            second = self.blank(command, symbol, STOP_LEG * LEG_UNIT + seq)
            stop_limit = options.stop_limit_price
            second.order_type = OrderType.STOP if stop_limit is None else OrderType.STOP_LIMIT
            second.price = None if stop_limit is None else int(stop_limit)
            second.client_order_id = None
        else:
            second = first
            for name in ("take_profit", "stop_loss", "stop_loss_limit", "trail_amount", "trail_percent"):
                given = getattr(options, name)
                setattr(first, name, None if given is None else int(given))
            first.post_only = options.post_only
            first.display = None if options.display_quantity is None else int(options.display_quantity)
        if waits_for_trigger(kind):
            second.waiting = True
            second.stop_price = int(options.stop_price or 0)
            if kind is OrderType.TRAILING_STOP:
                second.high_water = symbol.market_price() or 0
                second.stop_price = first_stop(command, second.high_water)
            if second.buys and second.price is None:
                second.hold_price = symbol.hold_price(second.stop_price)
        return [first] if second is first else [first, second]

    def blank(self, command: EnterOrder, symbol: NaiveSymbol, order_id: int) -> NaiveOrder:
        """An order with the fields that every type has."""
        owner = self.account(command.account)
        expire_ns = options_of(command).expire_ns
        if command.time_in_force is TimeInForce.DAY and not symbol.instrument.scheduled:
            expire_ns = (self.ts_ns // DAY_NS + 1) * DAY_NS
        return NaiveOrder(
            order_id,
            command.account,
            command.symbol,
            command.side,
            command.order_type,
            command.time_in_force,
            None if command.price is None else int(command.price),
            int(command.quantity or 0),
            command.client_order_id,
            self.ts_ns,
            owner.rates(symbol.instrument),
            owner.mode(command.self_trade_prevention),
            expire_ns=expire_ns,
        )

    def market_cost(self, order: NaiveOrder, walked: Walk) -> int:
        """What a market order takes at once, and no more."""
        instrument = self.instruments[order.symbol]
        if order.time_in_force is TimeInForce.FOK and walked.left > 0:
            return 0
        cost = 0
        for step in walked.steps:
            if isinstance(step, Fill) and order.buys:
                notional = notional_of(instrument, step.maker.price or 0, step.quantity)
                cost += notional + max(0, fee_of(notional, order.rates[1]))
            elif isinstance(step, Fill):
                cost += base_of(instrument, step.quantity)
        return cost
